using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion;

/// <summary>A file of plain text: each paragraph, set off by blank lines, is a text of its own; without blank lines each line is.</summary>
internal static class PlainTextReader
{
    /// <summary>The column's name where a file has none.</summary>
    public const string Column = "text";

    public static IReadOnlyList<RawRow> Read(RawFile file)
    {
        using StreamReader reader = RawReader.OpenText(file);
        string[] lines = reader.ReadToEnd().ReplaceLineEndings("\n").TrimEnd().Split('\n');
        bool paragraphs = lines.Any(string.IsNullOrWhiteSpace);
        var rows = new List<RawRow>();
        var open = new List<string>();
        void Close(int line)
        {
            if (open.Count > 0)
            {
                rows.Add(new RawRow(new RowPlace(file.Name, rows.Count + 1, line - open.Count), new Dictionary<string, string> { [Column] = string.Join('\n', open) }, null));
                open.Clear();
            }
        }

        for (int i = 0; i < lines.Length; i++)
        {
            if (!string.IsNullOrWhiteSpace(lines[i]))
            {
                open.Add(lines[i]);
            }

            if (!paragraphs || string.IsNullOrWhiteSpace(lines[i]))
            {
                Close(string.IsNullOrWhiteSpace(lines[i]) ? i + 1 : i + 2);
            }
        }

        Close(lines.Length + 1);
        return rows;
    }
}
