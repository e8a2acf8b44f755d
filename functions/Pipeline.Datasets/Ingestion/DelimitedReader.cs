using Pipeline.Contracts;
using Sylvan.Data.Csv;

namespace Pipeline.Datasets.Ingestion;

/// <summary>CSV (RFC 4180 quotes, the separator found) and TSV (no quoting: IANA text/tab-separated-values).</summary>
internal static class DelimitedReader
{
    private const int LongestRowCharacters = 1 << 24;

    public static IReadOnlyList<RawRow> Read(RawFile file, char? delimiter)
    {
        var options = new CsvDataReaderOptions
        {
            Delimiter = delimiter,
            HasHeaders = false, // read below, so that a repeated or missing name is said rather than thrown
            MaxBufferSize = LongestRowCharacters,
        };
        if (delimiter == '\t')
        {
            options = new CsvDataReaderOptions { Delimiter = '\t', HasHeaders = false, MaxBufferSize = LongestRowCharacters, Quote = '\0', Escape = '\0' };
        }

        using StreamReader text = RawReader.OpenText(file);
        try
        {
            using CsvDataReader reader = CsvDataReader.Create(text, options);
            return ReadRows(file, reader);
        }
        catch (CsvFormatException fault)
        {
            throw new DatasetException(DatasetException.UnreadableFile, $"'{file.Name}' cannot be read past row {fault.RowNumber}: {fault.Message}", fault);
        }
    }

    private static List<RawRow> ReadRows(RawFile file, CsvDataReader reader)
    {
        if (!reader.Read())
        {
            return [];
        }

        string[] header = ReadFields(reader);
        RequireHeader(file, header);
        int line = 1 + Lines(header);
        var rows = new List<RawRow>();
        while (reader.Read())
        {
            string[] fields = ReadFields(reader);
            if (fields.Length == 1 && fields[0].Length == 0 && header.Length > 1)
            {
                line++;
                continue; // a blank line is no row
            }

            string? fault = fields.Length == header.Length ? null : $"{fields.Length} columns where the header has {header.Length}";
            rows.Add(new RawRow(new RowPlace(file.Name, rows.Count + 1, line), ByColumn(header, fields), fault));
            line += Lines(fields);
        }

        return rows;
    }

    private static string[] ReadFields(CsvDataReader reader)
    {
        var fields = new string[reader.RowFieldCount];
        for (int i = 0; i < fields.Length; i++)
        {
            fields[i] = reader.GetString(i);
        }

        return fields;
    }

    private static Dictionary<string, string> ByColumn(string[] header, string[] fields)
    {
        var row = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < fields.Length; i++)
        {
            row[i < header.Length ? header[i] : $"column {i + 1}"] = fields[i];
        }

        return row;
    }

    private static void RequireHeader(RawFile file, string[] header)
    {
        for (int i = 0; i < header.Length; i++)
        {
            header[i] = header[i].Trim();
        }

        string? twice = header.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
        if (twice is not null)
        {
            throw new DatasetException(DatasetException.NoColumn, $"'{file.Name}' names the column '{twice}' twice in its first line; the first line must name each column once.");
        }
    }

    /// <summary>Lines that a row takes: one, and one more for each line break within its fields.</summary>
    private static int Lines(string[] fields) => 1 + fields.Sum(f => f.Count(c => c == '\n'));
}
