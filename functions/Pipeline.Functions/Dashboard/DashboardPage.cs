using System.Security.Cryptography;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Functions.Dashboard;

/// <summary>
/// The page of runs: one file with its script and style in it, allowed by their hashes and nothing else.
/// </summary>
internal static class DashboardPage
{
    private static readonly string Script = Read("dashboard.js")
        .Replace("{{stages}}", Stages(), StringComparison.Ordinal);
    private static readonly string Style = Read("dashboard.css");

    /// <summary>The page.</summary>
    public static string Html { get; } =
        Read("dashboard.html")
            .Replace("{{style}}", Style, StringComparison.Ordinal)
            .Replace("{{script}}", Script, StringComparison.Ordinal);

    /// <summary>What the page may do: run its own script, ask its own host.</summary>
    public static string Policy { get; } =
        $"default-src 'none'; script-src '{Hash(Script)}'; style-src '{Hash(Style)}'; connect-src 'self'; base-uri "
        + "'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Names and titles of the stages, as an array of pairs.</summary>
    private static string Stages() =>
        ContractJson.Write(RunStages.Titles.Select(s => new[] { s.Stage.Name(), s.Title }));

    private static string Hash(string text) =>
        "sha256-" + Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Read(string name)
    {
        using Stream stream = typeof(DashboardPage).Assembly.GetManifestResourceStream(
            $"Pipeline.Functions.Dashboard.{name}"
        )!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
