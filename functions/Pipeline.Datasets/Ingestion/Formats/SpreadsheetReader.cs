using System.Globalization;
using MiniExcelLibs;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// One sheet of an XLSX file, with or without a first row of names; sheets that are not read are named.
/// </summary>
internal static class SpreadsheetReader
{
    private const int HeaderSample = 50;

    public static IEnumerable<RawRow> Read(RawFile file, TableReading reading)
    {
        string sheet = Choose(file, reading);
        string[]? header = null;
        var first = new List<(string[] Fields, int Line)>();
        int rows = 0;
        foreach ((string[] fields, int line) in Cells(file, sheet, reading.Budget))
        {
            if (header is null)
            {
                first.Add((fields, line));
                if (first.Count < HeaderSample)
                {
                    continue;
                }
            }

            header ??= Header(file, first, reading);
            foreach (RawRow row in Take(file, header, first, fields, line))
            {
                yield return row with
                {
                    Place = row.Place with { Row = ++rows },
                };
            }
        }

        if (header is null && first.Count > 0)
        {
            header = Header(file, first, reading);
            foreach ((string[] fields, int line) in first)
            {
                yield return Row(file, header, fields, line) with
                {
                    Place = new RowPlace(file.Name, ++rows, line),
                };
            }
        }
    }

    /// <summary>
    /// The first sheet with the columns that project.yaml names, else with columns of known names, else with two
    /// columns at least, else the first.
    /// </summary>
    private static string Choose(RawFile file, TableReading reading)
    {
        IReadOnlyCollection<string> namedColumns = reading.NamedColumns;
        List<string> sheets = Guarded(
            file,
            () =>
            {
                using Stream stream = file.Open();
                return stream.GetSheetNames();
            }
        );
        if (sheets.Count == 1)
        {
            return sheets[0];
        }

        var firstRows = sheets.ToDictionary(
            s => s,
            s => Cells(file, s, reading.Budget).Take(1).SelectMany(r => r.Fields).ToList()
        );
        string sheet =
            sheets.Find(s => namedColumns.Count > 0 && namedColumns.All(c => firstRows[s].Any(f => f.Trim() == c)))
            ?? sheets.Find(s => firstRows[s].Count(f => ColumnGuess.IsKnownName(f.Trim())) > 1)
            ?? sheets.Find(s => firstRows[s].Count(f => f.Trim().Length > 0) > 1)
            ?? sheets[0];
        reading.Notes.Add(
            $"Of '{file.Name}' the sheet '{sheet}' was read, and not "
                + $"{ReadingNotes.List([.. sheets.Where(s => s != sheet)])}."
        );
        return sheet;
    }

    /// <summary>The rows that waited for the names, or this one alone.</summary>
    private static IEnumerable<RawRow> Take(
        RawFile file,
        string[] header,
        List<(string[] Fields, int Line)> first,
        string[] fields,
        int line
    )
    {
        List<(string[] Fields, int Line)> taken = first.Count > 0 ? [.. first] : [(fields, line)];
        first.Clear();
        return taken.Select(t => Row(file, header, t.Fields, t.Line));
    }

    private static string[] Header(RawFile file, List<(string[] Fields, int Line)> first, TableReading reading)
    {
        // A column without a name has one by its number, so that two of them are not the same.
        first[0] = (
            [.. first[0].Fields.Select((f, i) => f.Trim().Length > 0 ? f.Trim() : $"column {i + 1}")],
            first[0].Line
        );
        return TableHeader.Take(file.Name, first, reading);
    }

    private static RawRow Row(RawFile file, string[] header, string[] values, int line)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < Math.Max(header.Length, values.Length); i++)
        {
            fields[i < header.Length ? header[i] : $"column {i + 1}"] = i < values.Length ? values[i] : "";
        }

        return new RawRow(new RowPlace(file.Name, 0, line), fields, null);
    }

    private static IEnumerable<(string[] Fields, int Line)> Cells(RawFile file, string sheet, InputBudget budget)
    {
        long count = 0;
        using Stream stream = file.Open();
        using IEnumerator<IDictionary<string, object?>> cells = Guarded(
            file,
            () =>
                stream
                    .Query(useHeaderRow: false, sheetName: sheet, excelType: ExcelType.XLSX)
                    .Cast<IDictionary<string, object?>>()
                    .GetEnumerator()
        );
        for (int line = 1; Guarded(file, cells.MoveNext); line++)
        {
            budget.RequireColumns(file.Name, cells.Current.Count);
            count += cells.Current.Count;
            if (count > budget.Limits.Cells || line > budget.Limits.Rows)
            {
                throw budget.TooManyCells(file); // empty rows and cells take time too
            }

            string[] values = [.. cells.Current.Values.Select(Text)];
            if (values.Any(v => v.Trim().Length > 0))
            {
                yield return (values, line);
            }
        }
    }

    private static string Text(object? value) =>
        value switch
        {
            null => "",
            string text when SpreadsheetText.Errors.Contains(text) => "", // the cell has no value
            DateTime moment => moment.ToString("O", CultureInfo.InvariantCulture),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => value.ToString() ?? "",
        };

    private static T Guarded<T>(RawFile file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is not (DatasetException or OutOfMemoryException))
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{file.Name}' is a spreadsheet that cannot be read: {fault.Message}",
                fault
            );
        }
    }
}
