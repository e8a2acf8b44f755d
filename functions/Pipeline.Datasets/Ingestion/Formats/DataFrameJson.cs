using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// Tables as pandas' <c>DataFrame.to_json</c> writes them other than by records: an object of columns (the default), of
/// rows (<c>index</c>), or of columns, index and data (<c>split</c>). Source: pandas, <c>io/json/_json.py</c>.
/// </summary>
internal static class DataFrameJson
{
    /// <summary>Whether a text is such a table.</summary>
    public static bool IsTable(string json)
    {
        using JsonDocument document = PythonJson.Parse(json);
        return Orient(document.RootElement) is not null;
    }

    /// <summary>The rows of such a table; <c>null</c>: it is none.</summary>
    /// <exception cref="DatasetException">It has too many columns.</exception>
    public static (string Orient, List<RawRow> Rows)? Rows(JsonElement root, string fileName, InputBudget budget)
    {
        string? orient = Orient(root);
        int columns = orient switch
        {
            "split" => root.GetProperty("columns").GetArrayLength(),
            "columns" => root.GetPropertyCount(),
            "index" => root.EnumerateObject().First().Value.GetPropertyCount(),
            _ => 0,
        };
        budget.RequireColumns(fileName, columns);
        IEnumerable<IEnumerable<(string, JsonElement)>>? rows = orient switch
        {
            "split" => Split(root),
            "columns" => Columns(root),
            "index" => root.EnumerateObject().Select(r => r.Value.EnumerateObject().Select(c => (c.Name, c.Value))),
            _ => null,
        };
        return rows is null
            ? null
            : ($"orient='{orient}'", [.. rows.Select((r, i) => RawRow.From(new RowPlace(fileName, i + 1, 0), r))]);
    }

    private static string? Orient(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.EnumerateObject().Any())
        {
            return null;
        }

        if (
            root.TryGetProperty("columns", out JsonElement names)
            && root.TryGetProperty("data", out JsonElement data)
            && names.ValueKind == JsonValueKind.Array
            && data.ValueKind == JsonValueKind.Array
            && data.EnumerateArray()
                .All(r => r.ValueKind == JsonValueKind.Array && r.GetArrayLength() == names.GetArrayLength())
        )
        {
            return "split";
        }

        JsonProperty[] members = [.. root.EnumerateObject()];
        if (!members.All(m => m.Value.ValueKind == JsonValueKind.Object))
        {
            return null;
        }

        string[] first = [.. members[0].Value.EnumerateObject().Select(p => p.Name)];
        bool alike =
            first.Length > 0 && members.All(m => m.Value.EnumerateObject().Select(p => p.Name).SequenceEqual(first));
        // Row labels are numbers by default; names of columns are not.
        return !alike ? null
            : first.All(IsNumber) && members.Length > 1 ? "columns"
            : members.All(m => IsNumber(m.Name)) && members.Length > 1 ? "index"
            : null;
    }

    private static bool IsNumber(string name) =>
        int.TryParse(name, System.Globalization.CultureInfo.InvariantCulture, out _);

    private static IEnumerable<IEnumerable<(string, JsonElement)>> Columns(JsonElement root)
    {
        // All have the same rows in the same order: a search for each by its name would take the square of them.
        var columns = root.EnumerateObject().Select(c => (c.Name, Cells: c.Value.EnumerateObject())).ToArray();
        while (true)
        {
            var row = new (string, JsonElement)[columns.Length];
            for (int i = 0; i < columns.Length; i++)
            {
                if (!columns[i].Cells.MoveNext())
                {
                    yield break;
                }

                row[i] = (columns[i].Name, columns[i].Cells.Current.Value);
            }

            yield return row;
        }
    }

    private static IEnumerable<IEnumerable<(string, JsonElement)>> Split(JsonElement root)
    {
        string[] names = [.. root.GetProperty("columns").EnumerateArray().Select(n => n.ToString())];
        return root.GetProperty("data").EnumerateArray().Select(row => names.Zip(row.EnumerateArray()));
    }
}
