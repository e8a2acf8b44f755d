using System.Text;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Privacy;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// A text with spans of a type: Presidio's, doccano's, spaCy's and restaurant8k's keys, and what <c>ConllReader</c>
/// makes. Learned as a JSON object of the types' values (extraction), or as the text with <c>&lt;TYPE&gt;</c> in their
/// places (de-identification). Offsets count Unicode code points, as Python does, unless the span's own words say
/// otherwise.
/// </summary>
internal sealed class SpanAnnotations(string text, string spans) : RowLayout
{
    private static readonly JsonSerializerOptions Relaxed = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
    private static readonly string[] StartKeys =
    [
        "start",
        "start_position",
        "startIndex",
        "start_offset",
        "begin",
        "start_char",
    ];
    private static readonly string[] EndKeys = ["end", "end_position", "endIndex", "end_offset", "stop", "end_char"];
    private static readonly string[] TypeKeys = ["label", "entity_type", "type", "tag", "slot", "entity", "category"];
    private static readonly string[] WordsKeys = ["entity_value", "text", "value", "words", "surface"];

    public override string Name => "span annotations";
    public override ColumnReading Columns => new(text, spans, true);
    public override TaskKind Task => TaskKind.Extraction;
    public override IReadOnlyList<TaskKind> OtherTasks => [TaskKind.Deidentification];

    /// <summary>Whether a value is a list of spans; an empty list may be one.</summary>
    /// <returns><c>true</c> for spans, <c>null</c> for an empty list, <c>false</c> for anything else.</returns>
    public static bool? AreSpans(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind != JsonValueKind.Array ? false
                : document.RootElement.GetArrayLength() == 0 ? null
                : document.RootElement.EnumerateArray().All(e => Parse(e) is not null);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string content = TextOf(row.Fields.GetValueOrDefault(text, ""));
        if (string.IsNullOrWhiteSpace(content))
        {
            return RowContent.Refused(RejectionReason.MissingText, $"column '{text}' is empty");
        }

        string json = row.Fields.GetValueOrDefault(spans, "");
        (List<Span> found, string? fault) = json.Trim().Length == 0 ? ([], null) : Spans(content, json);
        if (fault is not null)
        {
            return RowContent.Refused(RejectionReason.Malformed, fault);
        }

        return RowContent.Pair(
            content,
            task == TaskKind.Deidentification ? Masked(content, found) : Values(content, found)
        );
    }

    /// <summary>What a text with spans says.</summary>
    /// <param name="content">The text.</param>
    /// <param name="json">The list of spans.</param>
    /// <param name="task">The project's task.</param>
    public static RowContent ContentFrom(string content, string json, TaskKind task)
    {
        var row = new RawRow(
            new RowPlace("", 0, 0),
            new Dictionary<string, string> { ["text"] = content, ["spans"] = json },
            null
        );
        return new SpanAnnotations("text", "spans").Map(row, task);
    }

    /// <summary>The text of a row and its spans; a fault where they cannot be read.</summary>
    public (string Text, IReadOnlyList<PrivateSpan> Spans, string? Fault) Annotated(RawRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        string content = TextOf(row.Fields.GetValueOrDefault(text, ""));
        string json = row.Fields.GetValueOrDefault(spans, "");
        (List<Span> found, string? fault) = json.Trim().Length == 0 ? ([], null) : Spans(content, json);
        return (content, [.. found.Select(s => new PrivateSpan(PrivateType.Named(s.Type), s.Start, s.End))], fault);
    }

    /// <summary>A text, or the object that holds one, such as restaurant8k's <c>userInput</c>.</summary>
    public static string TextOf(string value)
    {
        if (!value.TrimStart().StartsWith('{'))
        {
            return value;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(value);
            return
                document.RootElement.TryGetProperty("text", out JsonElement held)
                && held.ValueKind == JsonValueKind.String
                ? held.GetString()!
                : value;
        }
        catch (JsonException)
        {
            return value;
        }
    }

    private static (List<Span> Spans, string? Fault) Spans(string content, string json)
    {
        List<Span> found;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            found =
            [
                .. document
                    .RootElement.EnumerateArray()
                    .Select(e => Parse(e) ?? throw new InvalidOperationException("a span lacks its start, end or type"))
                    .OrderBy(s => s.Start)
                    .ThenByDescending(s => s.End),
            ];
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return ([], $"the spans cannot be read: {fault.Message}");
        }

        // Where the words are given they decide how the offsets count.
        bool units =
            found.Any(s => s.Words is not null)
            && found.All(s =>
                s.Words is null
                || (s.Start >= 0 && s.End <= content.Length && s.Start <= s.End && content[s.Start..s.End] == s.Words)
            );
        if (!units)
        {
            int[] places = CodePoints(content);
            if (found.Find(s => s.Start < 0 || s.End >= places.Length || s.Start >= s.End) is { } outside)
            {
                return (
                    [],
                    $"the span {outside.Start} to {outside.End} of type {outside.Type} lies outside of the text, "
                        + $"which has {places.Length - 1} characters"
                );
            }

            found = [.. found.Select(s => s with { Start = places[s.Start], End = places[s.End] })];
        }

        Span? other = found.Find(s => s.Words is not null && content[s.Start..s.End] != s.Words);
        return other is null
            ? (found, null)
            : (
                [],
                $"the span {other.Start} to {other.End} is '{content[other.Start..other.End]}' in the text and "
                    + $"'{other.Words}' in the annotation"
            );
    }

    /// <summary>The UTF-16 place of each code point, and of the text's end.</summary>
    private static int[] CodePoints(string content)
    {
        var places = new List<int>(content.Length + 1);
        for (
            int i = 0;
            i < content.Length;
            i +=
                    char.IsHighSurrogate(content[i]) && i + 1 < content.Length && char.IsLowSurrogate(content[i + 1])
                        ? 2
                        : 1
        )
        {
            places.Add(i);
        }

        places.Add(content.Length);
        return [.. places];
    }

    /// <summary>Of spans within one another the widest is masked.</summary>
    private static string Masked(string content, List<Span> found)
    {
        var masked = new StringBuilder();
        int at = 0;
        foreach (Span span in found)
        {
            if (span.Start < at)
            {
                at = Math.Max(at, span.End); // what reaches beyond the mask before it is private all the same
                continue;
            }

            masked
                .Append(content, at, span.Start - at)
                .Append('<')
                .Append(span.Type.ToUpperInvariant().Replace(' ', '_'))
                .Append('>');
            at = span.End;
        }

        return masked.Append(content, at, content.Length - at).ToString();
    }

    private static string Values(string content, List<Span> found)
    {
        var values = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (Span span in found)
        {
            if (!values.TryGetValue(span.Type, out List<string>? texts))
            {
                values[span.Type] = texts = [];
            }

            texts.Add(content[span.Start..span.End]);
        }

        return JsonSerializer.Serialize(values, Relaxed);
    }

    private static Span? Parse(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            return
                element.GetArrayLength() == 3
                && element[0].TryGetNumber(out int from)
                && element[1].TryGetNumber(out int to)
                && element[2].ValueKind == JsonValueKind.String
                ? new Span(from, to, element[2].GetString()!, null)
                : null;
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        JsonElement range =
            element.TryGetProperty("valueSpan", out JsonElement inner) && inner.ValueKind == JsonValueKind.Object
                ? inner
                : element;
        string? type =
            Find(element, TypeKeys) is { ValueKind: JsonValueKind.String } name ? name.GetString()
            // Label Studio's: a list of one
            : element.TryGetProperty("labels", out JsonElement types)
            && types.ValueKind == JsonValueKind.Array
            && types.GetArrayLength() == 1
                ? types[0].ToString()
            : null;
        bool hasEnd = Find(range, EndKeys) is { } endValue && endValue.TryGetNumber(out _);
        int end = hasEnd && Find(range, EndKeys)!.Value.TryGetNumber(out int last) ? last : 0;
        // protobuf's JSON leaves zeros out
        int start = Find(range, StartKeys) is { } startValue && startValue.TryGetNumber(out int first) ? first : 0;
        return type is null || !hasEnd
            ? null
            : new Span(
                start,
                end,
                type,
                Find(element, WordsKeys) is { ValueKind: JsonValueKind.String } words ? words.GetString() : null
            );
    }

    private static JsonElement? Find(JsonElement element, string[] keys)
    {
        foreach (string key in keys)
        {
            if (element.TryGetProperty(key, out JsonElement value))
            {
                return value;
            }
        }

        return null;
    }

    private sealed record Span(int Start, int End, string Type, string? Words);
}

/// <summary>Numbers of JSON.</summary>
internal static class JsonNumbers
{
    /// <summary>Whether a value is a whole number.</summary>
    public static bool TryGetNumber(this JsonElement element, out int value)
    {
        value = 0;
        return element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out value);
    }
}
