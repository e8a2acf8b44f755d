using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>Values within cells that hold lists and objects.</summary>
internal static partial class CellPath
{
    /// <summary>A JSON value as a cell.</summary>
    public static Cell Read(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.String => new Cell(value.GetString()!, CellKind.Text),
            JsonValueKind.Null or JsonValueKind.Undefined => Cell.Missing,
            JsonValueKind.Number => new Cell(value.GetRawText(), CellKind.Number),
            JsonValueKind.True or JsonValueKind.False => new Cell(value.GetRawText(), CellKind.Flag),
            JsonValueKind.Array => new Cell(value.GetRawText(), CellKind.List),
            _ => new Cell(value.GetRawText(), CellKind.Structure),
        };

    /// <summary>The value at a path, from the column that it begins with.</summary>
    public static Cell Find(RawRow row, string path)
    {
        // The longest column that the path begins with: a column may have points in its name.
        string? column = row
            .Fields.Keys.Where(k => path.Length > k.Length && path.StartsWith(k, StringComparison.Ordinal))
            .Where(k => path[k.Length] is '.' or '[')
            .MaxBy(k => k.Length);
        if (column is null)
        {
            return Cell.Missing;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(row.Fields[column]);
            JsonElement value = document.RootElement;
            foreach (Match step in Steps().Matches(path[column.Length..]))
            {
                bool found = step.Groups["index"].Success
                    ? TryItem(value, step.Groups["index"].Value, out value)
                    : value.ValueKind == JsonValueKind.Object
                        && value.TryGetProperty(step.Groups["name"].Value, out value);
                if (!found)
                {
                    return Cell.Missing;
                }
            }

            return Read(value);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return Cell.Missing; // a text, not an object
        }
    }

    private static bool TryItem(JsonElement list, string index, out JsonElement item)
    {
        item = default;
        if (
            list.ValueKind != JsonValueKind.Array
            || !int.TryParse(index, CultureInfo.InvariantCulture, out int number)
            || number >= list.GetArrayLength()
        )
        {
            return false;
        }

        item = list[number];
        return true;
    }

    [GeneratedRegex(@"\.(?<name>[^.\[]+)|\[(?<index>\d+)\]")]
    private static partial Regex Steps();
}
