using System.Collections;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Parquet;
using Parquet.Serialization;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>Parquet, a row group at a time; nested values become JSON.</summary>
internal static class ParquetRows
{
    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static IEnumerable<RawRow> Read(RawFile file, InputBudget budget)
    {
        int groups = Guarded(file, () => Count(file));
        int rows = 0;
        for (int group = 0; group < groups; group++)
        {
            int index = group;
            foreach (Dictionary<string, object> row in Guarded(file, () => Rows(file, index)))
            {
                budget.RequireColumns(file.Name, row.Count);
                yield return Row(new RowPlace(file.Name, ++rows, 0), row);
            }
        }
    }

    private static int Count(RawFile file)
    {
        using Stream stream = file.Open();
        ParquetReader reader = ParquetReader.CreateAsync(stream).GetAwaiter().GetResult();
        try
        {
            return reader.RowGroupCount;
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static IList<Dictionary<string, object>> Rows(RawFile file, int group)
    {
        using Stream stream = file.Open();
        return ParquetSerializer.DeserializeUntypedAsync(stream, rowGroupIndex: group).GetAwaiter().GetResult().Data;
    }

    private static RawRow Row(RowPlace place, Dictionary<string, object> values)
    {
        var fields = new Dictionary<string, string>(values.Count, StringComparer.Ordinal);
        Dictionary<string, CellKind>? kinds = null;
        foreach ((string column, object value) in values)
        {
            Cell cell = Read(value);
            fields[column] = cell.Text;
            if (cell.Kind != CellKind.Text)
            {
                (kinds ??= new Dictionary<string, CellKind>(StringComparer.Ordinal))[column] = cell.Kind;
            }
        }

        return new RawRow(place, fields, null) { Kinds = kinds };
    }

    private static Cell Read(object? value) =>
        value switch
        {
            null or float.NaN or double.NaN => Cell.Missing,
            string text => new Cell(text, CellKind.Text),
            ReadOnlyMemory<char> text => new Cell(text.ToString(), CellKind.Text),
            DateTime moment => new Cell(moment.ToString("O", CultureInfo.InvariantCulture), CellKind.Text),
            byte[] bytes => new Cell($"\"{Convert.ToBase64String(bytes)}\"", CellKind.Structure), // no text
            bool flag => new Cell(flag ? "true" : "false", CellKind.Flag),
            IFormattable number => new Cell(number.ToString(null, CultureInfo.InvariantCulture), CellKind.Number),
            _ => Node(value) is var node && node is JsonObject
                ? new Cell(node.ToJsonString(Relaxed), CellKind.Structure)
                : new Cell(node!.ToJsonString(Relaxed), CellKind.List),
        };

    /// <summary>Lists, maps and structures, as the library gives them, as JSON.</summary>
    private static JsonNode? Node(object? value)
    {
        switch (value)
        {
            case null or float.NaN or double.NaN:
                return null;
            case ReadOnlyMemory<char> text:
                return text.ToString();
            case string text:
                return text;
            case IDictionary map:
                var mapped = new JsonObject();
                foreach (DictionaryEntry entry in map)
                {
                    mapped[Convert.ToString(Read(entry.Key).Text, CultureInfo.InvariantCulture)!] = Node(entry.Value);
                }

                return mapped;
            case byte[] bytes:
                return Convert.ToBase64String(bytes);
            case IEnumerable list:
                return new JsonArray([.. list.Cast<object?>().Select(Node)]);
            default:
                return JsonSerializer.SerializeToNode(value, value.GetType(), Relaxed);
        }
    }

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
                $"'{file.Name}' is a Parquet file that cannot be read: {fault.Message}",
                fault
            );
        }
    }
}
