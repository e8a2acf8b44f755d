using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// A text as it stands in a cell: a text, number or flag; a list of one, or an object of one text, is that. A list of
/// several or another object never becomes a text by its source.
/// </summary>
internal static class TextValue
{
    /// <summary>Reads a cell.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="column">Its column, for messages.</param>
    /// <param name="missing">The reason of a row whose cell is empty.</param>
    /// <returns>The text; or why there is none.</returns>
    public static (string Text, RowContent? Refusal) Read(Cell cell, string column, RejectionReason missing)
    {
        if (cell.Kind is not (CellKind.List or CellKind.Structure))
        {
            return string.IsNullOrWhiteSpace(cell.Text)
                ? ("", RowContent.Refused(missing, $"column '{column}' is empty"))
                : (cell.Text, null);
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(cell.Text);
            JsonElement value = document.RootElement;
            return Single(value) is { } single
                ? Read(CellPath.Read(single), column, missing)
                : ("", RowContent.Refused(RejectionReason.Malformed, Describe(value, column)));
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException) // half of a surrogate pair
        {
            return ("", RowContent.Refused(RejectionReason.Malformed, $"column '{column}': {fault.Message}"));
        }
    }

    private static string Describe(JsonElement value, string column) =>
        value.ValueKind switch
        {
            JsonValueKind.Array => $"column '{column}' holds a list, which is not a text",
            JsonValueKind.Object =>
                $"column '{column}' holds an object, which is not a text; name the value in it, such as "
                    + $"{column}.{value.EnumerateObject().Select(p => p.Name).FirstOrDefault("name")}",
            _ => $"column '{column}' holds no text",
        };

    /// <summary>The element of a list of one, the text of an object of one.</summary>
    private static JsonElement? Single(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array
            ? value.GetArrayLength() == 1
                ? value[0]
                : null
            : value.ValueKind == JsonValueKind.Object
            && value.EnumerateObject().Take(2).ToList() is [{ Value.ValueKind: JsonValueKind.String } only]
                ? only.Value
                : null;
}
