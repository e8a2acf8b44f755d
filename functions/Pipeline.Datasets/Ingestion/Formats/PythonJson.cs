using System.Text.RegularExpressions;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// JSON as Python's json.dumps writes it where it is not JSON: NaN, Infinity and -Infinity as bare words.
/// </summary>
internal static partial class PythonJson
{
    /// <summary>The text with null in the place of these words; <c>null</c>: there is none, and nothing to repair.</summary>
    public static string? Repair(string json)
    {
        bool any = false;
        string repaired = Words()
            .Replace(
                json,
                match =>
                {
                    if (!match.Groups["word"].Success)
                    {
                        return match.Value; // a string
                    }

                    any = true;
                    return "null";
                }
            );
        return any ? repaired : null;
    }

    [GeneratedRegex("""(?<text>"(?:[^"\\]|\\.)*")|(?<word>(?<![\w.])-?(?:NaN|Infinity)(?![\w.]))""")]
    private static partial Regex Words();
}
