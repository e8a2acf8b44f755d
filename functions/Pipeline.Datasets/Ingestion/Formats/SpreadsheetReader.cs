using System.Globalization;
using MiniExcelLibs;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>The first sheet of an XLSX file; its first row that is not empty has the names.</summary>
internal static class SpreadsheetReader
{
    public static IEnumerable<RawRow> Read(RawFile file)
    {
        using Stream stream = file.Open();
        using IEnumerator<IDictionary<string, object?>> cells = Guarded(file, () => stream.Query(useHeaderRow: false, excelType: ExcelType.XLSX).Cast<IDictionary<string, object?>>().GetEnumerator());
        string[]? header = null;
        int rows = 0;
        for (int line = 1; Guarded(file, cells.MoveNext); line++)
        {
            string[] values = [.. cells.Current.Values.Select(Text)];
            if (values.All(v => v.Trim().Length == 0))
            {
                continue;
            }

            if (header is null)
            {
                header = [.. values.Select((v, i) => v.Trim().Length > 0 ? v.Trim() : $"column {i + 1}")];
                string? twice = header.GroupBy(h => h, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1)?.Key;
                if (twice is not null)
                {
                    throw new DatasetException(DatasetException.NoColumn, $"'{file.Name}' names the column '{twice}' twice in its first row; name each column once.");
                }

                continue;
            }

            var fields = new Dictionary<string, string>(StringComparer.Ordinal);
            for (int i = 0; i < header.Length; i++)
            {
                fields[header[i]] = i < values.Length ? values[i] : "";
            }

            yield return new RawRow(new RowPlace(file.Name, ++rows, line), fields, null);
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "",
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
            throw new DatasetException(DatasetException.UnreadableFile, $"'{file.Name}' is a spreadsheet that cannot be read: {fault.Message}", fault);
        }
    }
}
