using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Files;
using Sylvan.Data.Csv;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>CSV (RFC 4180 quotes, the separator found) and TSV (no quoting: IANA text/tab-separated-values), with or without a first line of names.</summary>
internal static class DelimitedReader
{
    private const int LongestRowCharacters = 1 << 24;
    private const int HeaderSample = 50;

    /// <summary>The rows from one byte to another; <c>null</c> where that cannot be told from the file's beginning.</summary>
    public static Func<RowRange, IEnumerable<RawRow>>? Ranges(RawFile file, char? delimiter, IReadOnlyCollection<string> said)
    {
        using MixedText text = MixedText.Open(file);
        using CsvDataReader reader = Open(file, text, delimiter);
        var first = new List<(string[] Fields, int Line)>();
        char? separator = delimiter;
        while (first.Count < HeaderSample && Advance(file, reader))
        {
            string[] fields = ReadFields(reader);
            if (!IsBlank(fields))
            {
                separator ??= Separator(reader, fields);
                first.Add((fields, 0));
            }
        }

        if (!text.IsByteWise || separator is null || first.Count < HeaderSample)
        {
            return null; // a file of so few rows is not worth it
        }

        string[] header = Header(file, first, said, new ReadingNotes());
        bool named = first.Count < HeaderSample;
        return range => Rows(file, separator.Value, header, named && range.Start == 0, range);
    }

    /// <summary>The sign behind a row's first field; <c>null</c> where there is no second one.</summary>
    private static char? Separator(CsvDataReader reader, string[] fields)
    {
        ReadOnlySpan<char> raw = reader.GetRawRecordSpan();
        int at = 0;
        if (raw.Length > 0 && raw[0] == '"')
        {
            for (at = 1; at < raw.Length && (raw[at] != '"' || (at + 1 < raw.Length && raw[at + 1] == '"')); at++)
            {
                at += raw[at] == '"' ? 1 : 0;
            }

            at++;
        }
        else
        {
            at = fields[0].Length;
        }

        return fields.Length > 1 && at < raw.Length ? raw[at] : null;
    }

    private static IEnumerable<RawRow> Rows(RawFile file, char separator, string[] header, bool skip, RowRange range)
    {
        using MixedText text = MixedText.Open(file, range);
        using CsvDataReader reader = Open(file, text, separator);
        (int rows, int line) = (range.FirstRow - 1, range.FirstLine);
        while (Advance(file, reader))
        {
            string[] fields = ReadFields(reader);
            int at = line;
            line += Lines(fields);
            if (IsBlank(fields) && header.Length > 1)
            {
                continue;
            }

            if (skip)
            {
                skip = false;
                continue;
            }

            yield return Row(file, header, fields, ++rows, at, text);
        }
    }

    private static bool IsBlank(string[] fields) => fields.Length == 1 && fields[0].Trim().Length == 0;

    public static IEnumerable<RawRow> Read(RawFile file, char? delimiter, IReadOnlyCollection<string> said, ReadingNotes notes)
    {
        using MixedText text = MixedText.Open(file);
        using CsvDataReader reader = Open(file, text, delimiter);
        string[]? header = null;
        var first = new List<(string[] Fields, int Line)>(); // until it is known whether they begin with names
        (int rows, int line) = (0, 1);
        while (Advance(file, reader))
        {
            string[] fields = ReadFields(reader);
            int at = line;
            line += Lines(fields);
            if (IsBlank(fields) && (header is null || header.Length > 1))
            {
                continue; // a blank line is no row
            }

            if (header is not null)
            {
                yield return Row(file, header, fields, ++rows, at, text);
                continue;
            }

            first.Add((fields, at));
            if (first.Count == HeaderSample)
            {
                header = Header(file, first, said, notes);
                foreach ((string[] early, int where) in first)
                {
                    yield return Row(file, header, early, ++rows, where, text);
                }

                first.Clear();
            }
        }

        if (header is null && first.Count > 0)
        {
            header = Header(file, first, said, notes);
            foreach ((string[] early, int where) in first)
            {
                yield return Row(file, header, early, ++rows, where, text);
            }
        }

        notes.Read(file, text);
    }

    private static CsvDataReader Open(RawFile file, MixedText text, char? delimiter)
    {
        var options = delimiter == '\t'
            ? new CsvDataReaderOptions { Delimiter = '\t', HasHeaders = false, MaxBufferSize = LongestRowCharacters, Quote = '\0', Escape = '\0', Comment = '\0' }
            : new CsvDataReaderOptions { Delimiter = delimiter, HasHeaders = false, MaxBufferSize = LongestRowCharacters, Comment = '\0' }; // names are read below, so that a repeated one is said rather than thrown
        try
        {
            return CsvDataReader.Create(text.Reader, options);
        }
        catch (CsvFormatException fault)
        {
            throw Unreadable(file, fault);
        }
    }

    private static bool Advance(RawFile file, CsvDataReader reader)
    {
        try
        {
            return reader.Read();
        }
        catch (CsvFormatException fault)
        {
            throw Unreadable(file, fault);
        }
    }

    private static DatasetException Unreadable(RawFile file, CsvFormatException fault) =>
        new(DatasetException.UnreadableFile, $"'{file.Name}' cannot be read past row {fault.RowNumber}: {fault.Message}", fault);

    /// <summary>The names in the first line, which is then taken out of the rows; or names by number where the first line is a row like the others.</summary>
    public static string[] Header(RawFile file, List<(string[] Fields, int Line)> first, IReadOnlyCollection<string> said, ReadingNotes notes)
    {
        string[] names = [.. first[0].Fields.Select(f => f.Trim())];
        if (IsHeader(names, [.. first.Skip(1).Select(f => f.Fields)], said))
        {
            first.RemoveAt(0);
            if (!said.Any(names.Contains) && !names.Any(ColumnGuess.IsKnownName))
            {
                notes.Say($"The first line of '{file.Name}' was taken for the columns' names: {string.Join(", ", names.Select(n => $"'{n}'"))}.");
            }

            string? twice = names.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
            return twice is null ? names : throw new DatasetException(DatasetException.NoColumn, $"'{file.Name}' names the column '{twice}' twice in its first line; the first line must name each column once.");
        }

        notes.Say($"'{file.Name}' has no line of column names; its columns are called 'column 1' to 'column {names.Length}'.");
        return [.. Enumerable.Range(1, names.Length).Select(i => $"column {i}")];
    }

    /// <summary>
    /// Columns that project.yaml names settle it, and so does a line with a known name of a text and one of a label. Else names are
    /// short, are no numbers, end like no sentence, and do not come again as values. One line alone is taken for names.
    /// </summary>
    private static bool IsHeader(string[] names, List<string[]> rows, IReadOnlyCollection<string> said)
    {
        const int LongestName = 64;
        if (said.Count > 0 && said.All(names.Contains))
        {
            return true;
        }

        bool repeats = Enumerable.Range(0, names.Length).Any(i => names[i].Length > 0 && rows.Any(r => i < r.Length && r[i].Trim().Equals(names[i], StringComparison.OrdinalIgnoreCase)));
        int known = names.Count(ColumnGuess.IsKnownName);
        if (known > 1 || (known == 1 && !repeats))
        {
            return true;
        }

        // A label stands in many rows; a name stands in none. A label among very many may not come again among the first rows:
        // then the other columns' first values look like texts and numbers all the same.
        return !repeats && !names.Any(n => n.Length > LongestName || double.TryParse(n, System.Globalization.CultureInfo.InvariantCulture, out _) || (n.Length > 0 && ".!?".Contains(n[^1], StringComparison.Ordinal)) || n.Count(c => c == ' ') > 4);
    }

    private static RawRow Row(RawFile file, string[] header, string[] fields, int row, int line, MixedText text)
    {
        string? fault = fields.Length == header.Length ? null : $"{fields.Length} columns where the header has {header.Length}";
        return new RawRow(new RowPlace(file.Name, row, line, text.OffsetOf(line)), ByColumn(header, fields), fault);
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
        var row = new Dictionary<string, string>(fields.Length, StringComparer.Ordinal);
        for (int i = 0; i < fields.Length; i++)
        {
            row[i < header.Length ? header[i] : $"column {i + 1}"] = fields[i];
        }

        return row;
    }

    /// <summary>Lines that a row takes: one, and one more for each line break within its fields.</summary>
    private static int Lines(string[] fields) => 1 + fields.Sum(f => f.Where((c, i) => c == '\n' || (c == '\r' && (i + 1 == f.Length || f[i + 1] != '\n'))).Count());
}
