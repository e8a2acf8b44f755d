using System.Text.RegularExpressions;

namespace Pipeline.Model.Gpu;

/// <summary>The kernels' text, from this assembly.</summary>
internal static partial class KernelSource
{
    private const string Prefix = "Pipeline.Model.Gpu.Kernels.";
    private const string Header = Prefix + "device.cuh";

    /// <summary>All of it, as one program that includes nothing.</summary>
    public static string Text { get; } = string.Join('\n', Names().Select(Read));

    /// <summary>The kernels' names.</summary>
    public static IReadOnlyList<string> Kernels { get; } =
    [.. Declarations().Matches(Text).Select(m => m.Groups["name"].Value)];

    private static IEnumerable<string> Names() =>
        typeof(KernelSource)
            .Assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))
            .OrderBy(n => n == Header ? 0 : 1)
            .ThenBy(n => n, StringComparer.Ordinal);

    private static string Read(string name)
    {
        using var reader = new StreamReader(typeof(KernelSource).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"extern ""C"" __global__ void (?<name>\w+)")]
    private static partial Regex Declarations();
}
