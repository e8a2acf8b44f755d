using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// A file of plain text: each paragraph, set off by blank lines, is a text of its own; without blank lines each line
/// is.
/// </summary>
internal static class PlainTextReader
{
    /// <summary>The column's name where a file has none.</summary>
    public const string Column = "text";

    /// <summary>Paragraphs, or lines.</summary>
    public static IEnumerable<RawRow> Read(RawFile file, InputBudget budget, ReadingNotes notes) =>
        HasBlankLines(file, budget) ? Paragraphs(file, budget, notes) : Lines(file, budget, notes);

    /// <summary>One row a line; blank lines are none.</summary>
    public static IEnumerable<RawRow> Lines(RawFile file, InputBudget budget, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file, budget);
        int rows = 0;
        for (int line = 1; text.ReadLine() is { } content; line++)
        {
            if (!string.IsNullOrWhiteSpace(content))
            {
                string? fault = text.LineIsCut ? budget.LongRow : null;
                yield return Row(file, text, ++rows, line, content) with
                {
                    Fault = fault,
                };
            }
        }

        notes.Read(file, text);
    }

    private static IEnumerable<RawRow> Paragraphs(RawFile file, InputBudget budget, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file, budget);
        var open = new List<string>();
        (int rows, int lines, long length, bool isCut) = (0, 0, 0, false);
        for (int line = 1; ; line++)
        {
            string? content = text.ReadLine();
            if (!string.IsNullOrWhiteSpace(content))
            {
                lines++;
                length += content.Length + 1;
                isCut |= text.LineIsCut || length > budget.RowCharacters;
                if (!isCut || open.Count == 0)
                {
                    open.Add(content);
                }
                else if (open.Count > 1)
                {
                    open.RemoveRange(1, open.Count - 1); // its beginning says which it was
                }

                continue;
            }

            if (open.Count > 0)
            {
                string? fault = isCut ? budget.LongRow : null;
                yield return Row(file, text, ++rows, line - lines, string.Join('\n', open)) with
                {
                    Fault = fault,
                };
                open.Clear();
                (lines, length, isCut) = (0, 0, false);
            }

            if (content is null)
            {
                break;
            }
        }

        notes.Read(file, text);
    }

    private static bool HasBlankLines(RawFile file, InputBudget budget)
    {
        using MixedText text = MixedText.Open(file, budget);
        bool blank = false;
        while (text.ReadLine() is { } line)
        {
            if (blank && !string.IsNullOrWhiteSpace(line))
            {
                return true; // a blank line that something follows
            }

            blank |= string.IsNullOrWhiteSpace(line);
        }

        return false;
    }

    private static RawRow Row(RawFile file, MixedText text, int row, int line, string content) =>
        new(
            new RowPlace(file.Name, row, line, text.OffsetOf(line)),
            new Dictionary<string, string> { [Column] = content },
            null
        );
}
