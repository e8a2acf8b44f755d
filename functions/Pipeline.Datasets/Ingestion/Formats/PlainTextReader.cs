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
    public static IEnumerable<RawRow> Read(RawFile file, ReadingNotes notes) =>
        HasBlankLines(file) ? Paragraphs(file, notes) : Lines(file, notes);

    /// <summary>One row a line; blank lines are none.</summary>
    public static IEnumerable<RawRow> Lines(RawFile file, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file);
        int rows = 0;
        for (int line = 1; text.Reader.ReadLine() is { } content; line++)
        {
            if (!string.IsNullOrWhiteSpace(content))
            {
                yield return Row(file, text, ++rows, line, content);
            }
        }

        notes.Read(file, text);
    }

    private static IEnumerable<RawRow> Paragraphs(RawFile file, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file);
        var open = new List<string>();
        int rows = 0;
        for (int line = 1; ; line++)
        {
            string? content = text.Reader.ReadLine();
            if (!string.IsNullOrWhiteSpace(content))
            {
                open.Add(content);
                continue;
            }

            if (open.Count > 0)
            {
                yield return Row(file, text, ++rows, line - open.Count, string.Join('\n', open));
                open.Clear();
            }

            if (content is null)
            {
                break;
            }
        }

        notes.Read(file, text);
    }

    private static bool HasBlankLines(RawFile file)
    {
        using MixedText text = MixedText.Open(file);
        bool blank = false;
        while (text.Reader.ReadLine() is { } line)
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
