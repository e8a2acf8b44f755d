using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// A label as it stands in a cell: a list of one is its element, a marker of a missing value is none, and a list of
/// several or an object never becomes a class by its source text.
/// </summary>
internal static class LabelValue
{
    private static readonly HashSet<string> MissingMarkers = new(StringComparer.Ordinal)
    {
        @"\N",
        "NaN",
        "nan",
        "NAN",
        "#NA",
        "N/A",
        "n/a",
        "NA",
        "<NA>",
        "null",
        "NULL",
        "Null",
        "None",
        "NaT",
        "-",
    };

    /// <summary>Whether a text is how tools write that there is no value.</summary>
    public static bool IsMissingMarker(string text) =>
        MissingMarkers.Contains(text) || SpreadsheetText.Errors.Contains(text);

    /// <summary>Reads a cell.</summary>
    /// <param name="cell">The cell.</param>
    /// <param name="column">Its column, for messages.</param>
    /// <param name="isLabel">Whether project.yaml declares a name a label, or an alias of one.</param>
    /// <returns>The label's spelling, trimmed of what cannot be seen; or why there is none.</returns>
    public static (string Spelling, RowContent? Refusal) Read(Cell cell, string column, Func<string, bool> isLabel)
    {
        string text = Trim(cell.Text);
        if (text.Length == 0)
        {
            return ("", RowContent.Refused(RejectionReason.MissingLabel, $"column '{column}' is empty"));
        }

        if (isLabel(text))
        {
            return (text, null);
        }

        if (IsMissingMarker(text))
        {
            return (
                "",
                RowContent.Refused(
                    RejectionReason.MissingLabel,
                    $"column '{column}' holds '{text}', which is how tools write a missing value; "
                        + "if it is a label, name it under labels in project.yaml"
                )
            );
        }

        return text[0] is '[' or '{' ? Nested(text, column, isLabel) : (text, null);
    }

    /// <summary>
    /// Without blanks and invisible characters at the ends: zero-width, byte order marks, soft hyphens.
    /// </summary>
    public static string Trim(string text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && IsInvisible(text[start]))
        {
            start++;
        }

        while (end > start && IsInvisible(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    private static bool IsInvisible(char c) =>
        char.IsWhiteSpace(c) || char.IsControl(c) || CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.Format;

    private static (string Spelling, RowContent? Refusal) Nested(string json, string column, Func<string, bool> isLabel)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement value = document.RootElement;
            return value.ValueKind switch
            {
                JsonValueKind.Array when value.GetArrayLength() == 1 => Read(CellPath.Read(value[0]), column, isLabel),
                JsonValueKind.Array when value.GetArrayLength() == 0 => (
                    "",
                    RowContent.Refused(RejectionReason.MissingLabel, $"column '{column}' is an empty list")
                ),
                JsonValueKind.Array => (
                    "",
                    RowContent.Refused(
                        RejectionReason.SeveralLabels,
                        $"column '{column}' holds {value.GetArrayLength()} labels, {Excerpt(json)}; one a row is "
                            + "learned"
                    )
                ),
                JsonValueKind.Object when Choices(value) is { } choices => Nested(
                    choices.GetRawText(),
                    column,
                    isLabel
                ),
                JsonValueKind.Object => (
                    "",
                    RowContent.Refused(
                        RejectionReason.Malformed,
                        $"column '{column}' holds an object, {Excerpt(json)}; name the value in it with columns.label, "
                            + $"such as {column}.{value.EnumerateObject().Select(p => p.Name).FirstOrDefault("name")}"
                    )
                ),
                _ => (json, null),
            };
        }
        catch (JsonException)
        {
            return (json, null); // a text that begins with a bracket
        }
        catch (InvalidOperationException fault) // half of a surrogate pair
        {
            return ("", RowContent.Refused(RejectionReason.Malformed, $"column '{column}': {fault.Message}"));
        }
    }

    /// <summary>
    /// The list in <c>{"choices": [...]}</c>, as Label Studio's CSV and JSON_MIN have several choices.
    /// </summary>
    private static JsonElement? Choices(JsonElement value) =>
        value.EnumerateObject().Take(2).ToList()
            is [{ Name: "choices", Value: { ValueKind: JsonValueKind.Array } choices }]
            ? choices
            : null;

    private static string Excerpt(string json) => json.Length <= 80 ? json : string.Concat(json.AsSpan(0, 80), "…");
}
