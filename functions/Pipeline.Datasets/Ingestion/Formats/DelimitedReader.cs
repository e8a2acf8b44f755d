using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Sylvan.Data.Csv;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// CSV (RFC 4180 quotes, the separator found) and TSV (no quoting: IANA text/tab-separated-values), with or without a
/// first line of names.
/// </summary>
internal static class DelimitedReader
{
    private const int LongestRowCharacters = 1 << 24;
    private const int HeaderSample = 50;

    /// <summary>All rows.</summary>
    public static IEnumerable<RawRow> Read(
        RawFile file,
        char? delimiter,
        IReadOnlyCollection<string> namedColumns,
        ReadingNotes notes
    )
    {
        (string[]? header, bool named, _) = Head(file, delimiter, namedColumns, notes);
        return header is null ? [] : Rows(file, delimiter, header, named, RowRange.Whole, notes);
    }

    /// <summary>
    /// The rows from one byte to another; <c>null</c> where that cannot be told from the file's beginning.
    /// </summary>
    public static Func<RowRange, IEnumerable<RawRow>>? Ranges(
        RawFile file,
        char? delimiter,
        IReadOnlyCollection<string> namedColumns
    )
    {
        using (MixedText text = MixedText.Open(file))
        {
            if (!text.IsByteWise)
            {
                return null;
            }
        }

        (string[]? header, bool named, char? separator) = Head(file, delimiter, namedColumns, new ReadingNotes());
        return header is null || separator is null
            ? null
            : range => Rows(file, separator, header, named && range.Start == 0, range, null);
    }

    /// <summary>
    /// What the first rows tell: the columns' names, <c>null</c> where there is no row, whether they are the first row,
    /// and the separator where a second field shows it.
    /// </summary>
    private static (string[]? Header, bool Named, char? Separator) Head(
        RawFile file,
        char? delimiter,
        IReadOnlyCollection<string> namedColumns,
        ReadingNotes notes
    )
    {
        using MixedText text = MixedText.Open(file);
        delimiter ??= NamedSeparator(file);
        using CsvDataReader reader = Open(file, text, delimiter);
        var first = new List<(string[] Fields, int Line)>();
        while (first.Count < HeaderSample && Advance(file, reader))
        {
            string[] fields = ReadFields(reader);
            if (!IsBlank(fields) && !(first.Count == 0 && IsSeparatorLine(reader)))
            {
                delimiter ??= first.Count == 0 ? Separator(reader, fields) : null;
                first.Add((fields, 0));
            }
        }

        if (first.Count == 0)
        {
            return (null, false, null);
        }

        int rows = first.Count;
        string[] header = Header(file, first, namedColumns, notes);
        return (header, first.Count < rows, delimiter);
    }

    /// <summary>
    /// The separator that Excel's first line names, <c>sep=;</c>; <c>null</c>: there is no such line.
    /// </summary>
    private static char? NamedSeparator(RawFile file)
    {
        using MixedText text = MixedText.Open(file);
        return
            text.Reader.ReadLine() is { Length: 5 } line && line.StartsWith("sep=", StringComparison.OrdinalIgnoreCase)
            ? line[4]
            : null;
    }

    private static bool IsSeparatorLine(CsvDataReader reader) =>
        reader.GetRawRecordSpan().TrimEnd("\r\n") is { Length: 5 } line
        && line.StartsWith("sep=", StringComparison.OrdinalIgnoreCase);

    /// <summary>The sign after a row's first field; <c>null</c> where there is no second one.</summary>
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

    private static IEnumerable<RawRow> Rows(
        RawFile file,
        char? separator,
        string[] header,
        bool skip,
        RowRange range,
        ReadingNotes? notes
    )
    {
        using MixedText text = MixedText.Open(file, range);
        using CsvDataReader reader = Open(file, text, separator ?? NamedSeparator(file));
        (int rows, int line) = (range.FirstRow - 1, range.FirstLine);
        bool begins = range.Start == 0;
        while (Advance(file, reader))
        {
            string[] fields = ReadFields(reader);
            int at = line;
            line += Lines(fields);
            if (begins && !IsBlank(fields))
            {
                begins = false;
                if (IsSeparatorLine(reader))
                {
                    continue; // Excel's first line, which names the separator
                }
            }

            if (IsBlank(fields) && (header.Length > 1 || skip))
            {
                continue; // a blank line is not a row, but where it may be an empty value of the only column
            }

            if (skip)
            {
                skip = false; // the names
                continue;
            }

            yield return Row(file, header, fields, ++rows, at, text);
        }

        notes?.Read(file, text);
    }

    private static bool IsBlank(string[] fields) => fields.Length == 1 && fields[0].Trim().Length == 0;

    private static CsvDataReader Open(RawFile file, MixedText text, char? delimiter)
    {
        var options =
            delimiter == '\t' && !TabQuotes.AreUsed(file)
                ? new CsvDataReaderOptions
                {
                    Delimiter = '\t',
                    HasHeaders = false,
                    MaxBufferSize = LongestRowCharacters,
                    Quote = '\0',
                    Escape = '\0',
                    Comment = '\0',
                }
                : new CsvDataReaderOptions
                {
                    Delimiter = delimiter,
                    HasHeaders = false,
                    MaxBufferSize = LongestRowCharacters,
                    Comment = '\0',
                }; // names are read below, so that a repeated one is said rather than thrown
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
        new(
            DatasetFaultCode.UnreadableFile,
            $"'{file.Name}' cannot be read past row {fault.RowNumber}: {fault.Message}",
            fault
        );

    /// <summary>
    /// The names in the first line, which is then taken out of the rows; or names by number where the first line is a
    /// row like the others.
    /// </summary>
    public static string[] Header(
        RawFile file,
        List<(string[] Fields, int Line)> first,
        IReadOnlyCollection<string> namedColumns,
        ReadingNotes notes
    )
    {
        string[] names = [.. first[0].Fields.Select(f => f.Trim())];
        if (IsHeader(names, [.. first.Skip(1).Select(f => f.Fields)], namedColumns))
        {
            first.RemoveAt(0);
            if (!namedColumns.Any(names.Contains) && !names.Any(ColumnGuess.IsKnownName))
            {
                notes.Add(
                    $"The first line of '{file.Name}' was taken for the columns' names: "
                        + $"{string.Join(", ", names.Select(n => $"'{n}'"))}."
                );
            }

            string? twice = names.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
            return twice is null
                ? names
                : throw new DatasetException(
                    DatasetFaultCode.NoColumn,
                    $"'{file.Name}' names the column '{twice}' twice in its first line; the first line must name "
                        + "each column once."
                );
        }

        notes.Add(
            $"'{file.Name}' has no line of column names; its columns are called 'column 1' to 'column {names.Length}'."
        );
        return [.. Enumerable.Range(1, names.Length).Select(i => $"column {i}")];
    }

    /// <summary>
    /// Columns that project.yaml names settle it, and so does a line with a known name of a text and one of a label.
    /// Else names are short, are no numbers, end like no sentence, and do not come again as values. One line alone is
    /// taken for names.
    /// </summary>
    private static bool IsHeader(string[] names, List<string[]> rows, IReadOnlyCollection<string> namedColumns)
    {
        const int LongestName = 64;
        if (namedColumns.Count > 0 && namedColumns.All(names.Contains))
        {
            return true;
        }

        bool repeats = Enumerable
            .Range(0, names.Length)
            .Any(i =>
                names[i].Length > 0
                && rows.Any(r => i < r.Length && r[i].Trim().Equals(names[i], StringComparison.OrdinalIgnoreCase))
            );
        int known = names.Count(ColumnGuess.IsKnownName);
        if (known > 1 || (known == 1 && !repeats))
        {
            return true;
        }

        // A label stands in many rows; a name stands in none. A label among very many may not come again among the
        // first rows: then the other columns' first values look like texts and numbers all the same.
        return !repeats
            && !names.Any(n =>
                n.Length > LongestName
                || double.TryParse(n, System.Globalization.CultureInfo.InvariantCulture, out _)
                || (n.Length > 0 && ".!?".Contains(n[^1], StringComparison.Ordinal))
                || n.Count(c => c == ' ') > 4
            );
    }

    private static RawRow Row(RawFile file, string[] header, string[] fields, int row, int line, MixedText text)
    {
        string? fault =
            fields.Length == header.Length ? null : $"{fields.Length} columns where the header has {header.Length}";
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
    private static int Lines(string[] fields) =>
        1
        + fields.Sum(f =>
            f.Where((c, i) => c == '\n' || (c == '\r' && (i + 1 == f.Length || f[i + 1] != '\n'))).Count()
        );
}
