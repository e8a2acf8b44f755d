using System.Text.Json;
using System.Text.RegularExpressions;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// A label, a blank and a text a line, as TREC's questions are (<c>NUM:dist How far is it …</c>) and fastText's files
/// (<c>__label__x text</c>).
/// </summary>
internal static partial class LabelledLines
{
    private const int LinesLookedAt = 400;
    private const string FastText = "__label__";

    /// <summary>
    /// Whether the first words of the lines are labels: they look like names and come again and again.
    /// </summary>
    public static bool Recognises(RawFile file)
    {
        using MixedText text = MixedText.Open(file);
        var labels = new Dictionary<string, int>(StringComparer.Ordinal);
        int lines = 0;
        while (lines < LinesLookedAt && text.ReadLine() is { } line)
        {
            if (line.Trim().Length == 0)
            {
                continue;
            }

            Match match = Form().Match(line);
            if (!match.Success)
            {
                return false;
            }

            lines++;
            labels[match.Groups["label"].Value] = labels.GetValueOrDefault(match.Groups["label"].Value) + 1;
        }

        return lines >= 10
            && labels.Count > 1
            && labels.Count < lines / 3
            && labels.Keys.All(l =>
                l.StartsWith(FastText, StringComparison.Ordinal)
                || !l.Any(char.IsLower)
                || l.Contains(':', StringComparison.Ordinal)
            );
    }

    public static IEnumerable<RawRow> Read(RawFile file, InputBudget budget, ReadingNotes notes) =>
        PlainTextReader.Lines(file, budget, notes).Select(r => r.Fault is null ? Read(r) : r);

    private static RawRow Read(RawRow line)
    {
        List<string> labels = [];
        string rest = line.Fields[PlainTextReader.Column];
        // One label, and as many more as fastText's mark says.
        while (
            Form().Match(rest) is { Success: true } match
            && (labels.Count == 0 || rest.StartsWith(FastText, StringComparison.Ordinal))
        )
        {
            string label = match.Groups["label"].Value;
            labels.Add(label.StartsWith(FastText, StringComparison.Ordinal) ? label[FastText.Length..] : label);
            rest = match.Groups["text"].Value;
        }

        return labels.Count switch
        {
            0 => line with { Fault = "no label and text, parted by a blank" },
            1 => line with
            {
                Fields = new Dictionary<string, string> { ["label"] = labels[0], ["text"] = rest },
            },
            _ => line with
            {
                Fields = new Dictionary<string, string>
                {
                    ["label"] = JsonSerializer.Serialize(labels),
                    ["text"] = rest,
                },
                Kinds = new Dictionary<string, CellKind> { ["label"] = CellKind.List },
            },
        };
    }

    [GeneratedRegex(@"^(?<label>[A-Za-z_][\w:./-]{0,63})[ \t]+(?<text>\S.*)$")]
    private static partial Regex Form();
}
