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
    private const int HeaderSample = 50;
    private const int LongestExcerpt = 200;

    /// <summary>Rows that cannot be read before the rest of the file is left: each costs opening it again.</summary>
    private const int MaxBroken = 200;

    /// <summary>All rows.</summary>
    /// <exception cref="DatasetException">A row cannot be read, or the first ones have too many columns.</exception>
    public static IEnumerable<RawRow> Read(RawFile file, char? delimiter, TableReading reading)
    {
        (string[]? header, bool named, char? found) = Head(file, delimiter, reading);
        return header is null
            ? []
            : Rows(file, new Table(delimiter, found, header, reading.Budget), named, RowRange.Whole, reading.Notes);
    }

    /// <summary>
    /// The rows from one byte to another; <c>null</c> where that cannot be told from the file's beginning.
    /// </summary>
    public static Func<RowRange, IEnumerable<RawRow>>? Ranges(RawFile file, char? delimiter, TableReading reading)
    {
        using (MixedText text = MixedText.Open(file))
        {
            if (!text.IsByteWise)
            {
                return null;
            }
        }

        (string[]? header, bool named, char? separator) = Head(
            file,
            delimiter,
            reading with
            {
                Notes = new ReadingNotes(),
            }
        );
        return header is null || separator is null
            ? null
            : range =>
                Rows(
                    file,
                    new Table(separator, separator, header, reading.Budget),
                    named && range.Start == 0,
                    range,
                    notes: null
                );
    }

    /// <summary>
    /// What the first rows tell: the columns' names, <c>null</c> where there is no row, whether they are the first row,
    /// and the separator where a second field shows it.
    /// </summary>
    private static (string[]? Header, bool Named, char? Separator) Head(
        RawFile file,
        char? delimiter,
        TableReading reading
    )
    {
        using MixedText text = MixedText.Open(file);
        delimiter ??= NamedSeparator(file);
        (CsvDataReader? opened, string? broken) = Open(file, text, delimiter, reading.Budget);
        using CsvDataReader reader = opened ?? throw Unreadable(file, broken!);
        var first = new List<(string[] Fields, int Line)>();
        while (first.Count < HeaderSample)
        {
            (bool more, string? fault) = Advance(reader, reading.Budget);
            if (fault is not null && first.Count == 0)
            {
                throw Unreadable(file, fault);
            }

            if (!more)
            {
                break;
            }

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
        string[] header = TableHeader.Take(file.Name, first, reading);
        return (header, first.Count < rows, delimiter);
    }

    /// <summary>
    /// The separator that Excel's first line names, <c>sep=;</c>; <c>null</c>: there is no such line.
    /// </summary>
    private static char? NamedSeparator(RawFile file)
    {
        using MixedText text = MixedText.Open(file);
        var line = new char[6];
        int read = text.Reader.ReadBlock(line);
        bool ends = read == 5 || (read == 6 && line[5] is '\r' or '\n');
        return ends && line.AsSpan(0, 4).Equals("sep=", StringComparison.OrdinalIgnoreCase) ? line[4] : null;
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

    private static IEnumerable<RawRow> Rows(RawFile file, Table table, bool skip, RowRange range, ReadingNotes? notes)
    {
        int broken = 0;
        for (RowRange? next = range; next is { } part; )
        {
            next = null;
            using MixedText text = MixedText.Open(file, table.Budget, part);
            // Where reading goes on after a broken row, the separator is that of the beginning.
            char? separator = table.Separator ?? (part.Start > 0 ? table.Found : null) ?? NamedSeparator(file);
            (CsvDataReader? opened, string? unopened) = Open(file, text, separator, table.Budget);
            using CsvDataReader? reader = opened;
            (int rows, int line) = (part.FirstRow - 1, part.FirstLine);
            bool begins = part.Start == 0;
            (bool More, string? Fault) step = (false, unopened);
            while (reader is not null && (step = Advance(reader, table.Budget)).More)
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

                if (IsBlank(fields) && (table.Header.Length > 1 || skip))
                {
                    continue; // a blank line is not a row, but where it may be an empty value of the only column
                }

                if (skip)
                {
                    skip = false; // the names
                    continue;
                }

                yield return Row(file, table.Header, fields, ++rows, at, text);
            }

            if (step.Fault is { } why)
            {
                broken++;
                var place = new RowPlace(file.Name, rows + 1, line, text.OffsetOf(line));
                (RawRow fault, next) = PassOver(file, table.Budget, part, place, why, broken == MaxBroken);
                notes?.MarkUndivided(file);
                yield return fault;
            }

            notes?.Read(file, text);
        }
    }

    /// <summary>
    /// A row in the place of one that cannot be read, and where to go on: at the line after the one on which it begins,
    /// so that a quotation mark that is never closed costs its own row and no other.
    /// </summary>
    private static (RawRow Fault, RowRange? Next) PassOver(
        RawFile file,
        InputBudget budget,
        RowRange part,
        RowPlace place,
        string why,
        bool isLast
    )
    {
        var range = new RowRange(Math.Max(0, place.Offset), part.End, place.Row, place.Line);
        using MixedText text = MixedText.Open(file, budget, range);
        string line = text.ReadLine() ?? "";
        long next = place.Offset < 0 || isLast ? -1 : text.OffsetOf(place.Line + 1);
        var fault = new RawRow(
            place,
            new Dictionary<string, string> { ["line"] = line[..Math.Min(line.Length, LongestExcerpt)] },
            next < 0 ? $"this row and all after it are not read: {why}" : why
        );
        return (
            fault,
            next < 0 ? null : range with { Start = next, FirstRow = place.Row + 1, FirstLine = place.Line + 1 }
        );
    }

    private static bool IsBlank(string[] fields) => fields.Length == 1 && fields[0].Trim().Length == 0;

    /// <summary>A reader; or what is wrong with the first row, which cannot be read.</summary>
    private static (CsvDataReader? Reader, string? Fault) Open(
        RawFile file,
        MixedText text,
        char? delimiter,
        InputBudget budget
    )
    {
        bool hasQuotes = delimiter != '\t' || TabQuotes.AreUsed(file);
        var options = !hasQuotes
            ? new CsvDataReaderOptions
            {
                Delimiter = '\t',
                HasHeaders = false,
                MaxBufferSize = budget.RowCharacters,
                Quote = '\0',
                Escape = '\0',
                Comment = '\0',
            }
            : new CsvDataReaderOptions
            {
                Delimiter = delimiter,
                HasHeaders = false,
                MaxBufferSize = budget.RowCharacters,
                Comment = '\0',
            }; // names are read below, so that a repeated one is said rather than thrown
        try
        {
            var guard = new ColumnGuard(text.Reader, delimiter, hasQuotes, budget.Limits.Columns);
            return (CsvDataReader.Create(guard, options), null);
        }
        catch (Exception fault) when (FaultFrom(fault, budget) is { } why)
        {
            return (null, why);
        }
    }

    /// <summary>Reads the next row; a fault where it cannot be read.</summary>
    private static (bool More, string? Fault) Advance(CsvDataReader reader, InputBudget budget)
    {
        try
        {
            return (reader.Read(), null);
        }
        catch (Exception fault) when (FaultFrom(fault, budget) is { } why)
        {
            return (false, why);
        }
    }

    /// <summary>What is wrong with a row, in words; <c>null</c>: the fault is another.</summary>
    private static string? FaultFrom(Exception fault, InputBudget budget) =>
        fault switch
        {
            CsvRecordTooLargeException => $"{budget.LongRow}; or a quotation mark is never closed",
            RowTooWideException => budget.WideRow(),
            CsvFormatException format => format.Message.TrimEnd('.'),
            _ => null,
        };

    private static DatasetException Unreadable(RawFile file, string fault) =>
        new(
            DatasetFaultCode.UnreadableFile,
            $"'{file.Name}' cannot be read from its first row on: {fault.TrimEnd('.')}."
        );

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
    private static int Lines(string[] fields)
    {
        int lines = 1;
        foreach (string field in fields)
        {
            lines += LineEnds(field);
        }

        return lines;
    }

    private static int LineEnds(ReadOnlySpan<char> text)
    {
        int ends = 0;
        for (int i = 0, found; (found = text[i..].IndexOfAny('\r', '\n')) >= 0; i += found + 1)
        {
            int at = i + found;
            ends += text[at] == '\n' || at + 1 == text.Length || text[at + 1] != '\n' ? 1 : 0;
        }

        return ends;
    }

    /// <summary>What is known of a table before its rows are read.</summary>
    /// <param name="Separator">As it was named; <c>null</c>: it is told from the first rows.</param>
    /// <param name="Found">As it was told from them; <c>null</c>: they have one cell each.</param>
    /// <param name="Header">The names of the columns.</param>
    /// <param name="Budget">What reading may cost.</param>
    private sealed record Table(char? Separator, char? Found, string[] Header, InputBudget Budget);
}
