using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// CoNLL columns: a token a line, its tag in the last column (IOB, IOB2, BIOES or bare types), a blank line after each
/// sentence. A sentence becomes a text, its tokens parted by blanks, with spans. Source: Tjong Kim Sang and De Meulder
/// 2003, section 2.
/// </summary>
internal static partial class ConllReader
{
    private const int LinesLookedAt = 400;
    private const int MaxColumns = 64;

    /// <summary>
    /// Whether a file is of this form: most lines end in a tag, and there are blank lines or document marks.
    /// </summary>
    public static bool Recognises(RawFile file)
    {
        using MixedText text = MixedText.Open(file);
        (int tagged, int tokens, int entities, int lines) = (0, 0, 0, 0);
        while (lines < LinesLookedAt && text.ReadLine() is { } line)
        {
            lines++;
            if (line.Trim().Length == 0)
            {
                continue;
            }

            tokens++;
            string[] columns = Columns(line);
            bool tag = columns.Length is >= 2 and <= 12 && Tag().IsMatch(columns[^1]);
            tagged += tag ? 1 : 0;
            entities += tag && columns[^1] != "O" ? 1 : 0;
        }

        return tokens > 10 && tagged > 0.98 * tokens && tagged > entities;
    }

    public static IEnumerable<RawRow> Read(RawFile file, InputBudget budget, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file, budget);
        var sentence = new List<(string Token, string Tag)>();
        (int rows, int begin, long length, bool isCut) = (0, 1, 0, false);
        for (int line = 1; ; line++)
        {
            string? content = text.ReadLine();
            string[] columns = Columns(content ?? "");
            bool mark = columns.Length > 0 && columns[0] == "-DOCSTART-";
            if (columns.Length > 0 && !mark)
            {
                begin = sentence.Count == 0 ? line : begin;
                length += content!.Length + 1;
                isCut |= text.LineIsCut || length > budget.RowCharacters;
                if (!isCut || sentence.Count == 0)
                {
                    sentence.Add((columns[0], columns.Length > 1 ? columns[^1] : ""));
                }

                continue;
            }

            if (sentence.Count > 0)
            {
                var place = new RowPlace(file.Name, ++rows, begin, text.OffsetOf(begin));
                yield return isCut
                    ? new RawRow(place, new Dictionary<string, string> { ["line"] = sentence[0].Token }, budget.LongRow)
                    : Row(place, sentence);
                sentence.Clear();
                (length, isCut) = (0, false);
            }

            if (content is null)
            {
                break;
            }
        }

        notes.Read(file, text);
    }

    private static RawRow Row(RowPlace place, List<(string Token, string Tag)> sentence)
    {
        var text = new StringBuilder();
        var spans = new List<object>();
        (string Type, int Start)? open = null;
        void Close()
        {
            if (open is { } span)
            {
                spans.Add(
                    new
                    {
                        start = span.Start,
                        end = text.Length,
                        label = span.Type,
                    }
                );
                open = null;
            }
        }

        string? fault = null;
        foreach ((string token, string tag) in sentence)
        {
            Match match = Tag().Match(tag);
            fault ??= match.Success ? null : $"the token '{token}' has '{tag}' where a tag is due";
            string type = match.Groups["type"].Value;
            bool goesOn =
                open is { } held && held.Type == type && match.Groups["position"].Value is "I" or "E" or "M" or "L";
            if (!goesOn)
            {
                Close();
            }

            text.Append(text.Length > 0 ? " " : "");
            if (type.Length > 0 && open is null)
            {
                open = (type, text.Length);
            }

            text.Append(token);
        }

        Close();
        return new RawRow(
            place,
            new Dictionary<string, string> { ["text"] = text.ToString(), ["spans"] = JsonSerializer.Serialize(spans) },
            fault
        );
    }

    private static string[] Columns(string line) =>
        line.Trim().Length == 0 ? []
        : line.Contains('\t', StringComparison.Ordinal)
            ? line.Trim().Split('\t', MaxColumns, StringSplitOptions.TrimEntries)
        : line.Split(' ', MaxColumns, StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"^(?:O|(?<position>[BIESULM])-(?<type>[A-Za-z][\w.&/-]*))$")]
    private static partial Regex Tag();
}
