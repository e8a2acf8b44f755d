using System.Globalization;
using System.Text.Json;
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

    public static IEnumerable<RawRow> Read(RawFile file)
    {
        int groups = Guarded(file, () => Count(file));
        int rows = 0;
        for (int group = 0; group < groups; group++)
        {
            int index = group;
            foreach (Dictionary<string, object> row in Guarded(file, () => Rows(file, index)))
            {
                yield return new RawRow(
                    new RowPlace(file.Name, ++rows, 0),
                    row.ToDictionary(f => f.Key, f => Text(f.Value), StringComparer.Ordinal),
                    null
                );
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

    private static string Text(object? value) =>
        value switch
        {
            null => "",
            string text => text,
            DateTime moment => moment.ToString("O", CultureInfo.InvariantCulture),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            bool flag => flag ? "true" : "false",
            _ => JsonSerializer.Serialize(value, Relaxed),
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
                DatasetException.UnreadableFile,
                $"'{file.Name}' is a Parquet file that cannot be read: {fault.Message}",
                fault
            );
        }
    }
}
