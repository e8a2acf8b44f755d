using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Functions.Dashboard;

/// <summary>The page of runs; its script and its style are files beside it, and nothing else may run in it.</summary>
internal static class DashboardPage
{
    private static readonly string Script = Read("dashboard.js")
        .Replace("{{stages}}", Stages(), StringComparison.Ordinal);
    private static readonly string Style = Read("dashboard.css");

    /// <summary>The page.</summary>
    public static string Html { get; } = Read("dashboard.html");

    /// <summary>What the page may do: run its own script, ask its own host.</summary>
    public const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        + "form-action 'none'; frame-ancestors 'none'";

    /// <summary>A file of the page and its media type; <c>null</c>: it has none of this name.</summary>
    public static (string Text, string Type)? File(string name) =>
        name switch
        {
            "dashboard.js" => (Script, "text/javascript"),
            "dashboard.css" => (Style, "text/css"),
            _ => null,
        };

    /// <summary>Names and titles of the stages, as an array of pairs.</summary>
    private static string Stages() =>
        ContractJson.Write(RunStages.Titles.Select(s => new[] { s.Stage.Name(), s.Title }));

    private static string Read(string name)
    {
        using Stream stream = typeof(DashboardPage).Assembly.GetManifestResourceStream(
            $"Pipeline.Functions.Dashboard.{name}"
        )!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
