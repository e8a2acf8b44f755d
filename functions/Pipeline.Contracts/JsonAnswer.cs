using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Contracts;

/// <summary>Parses and compares answers that are JSON objects, the target format of extraction.</summary>
public static class JsonAnswer
{
    private static readonly JsonDocumentOptions RejectDuplicateKeys = new() { AllowDuplicateProperties = false };

    /// <summary>The object that a text is; <c>null</c>: it is not JSON, not an object, or names a key twice.</summary>
    public static JsonObject? Parse(string text)
    {
        try
        {
            var parsed = JsonNode.Parse(text, documentOptions: RejectDuplicateKeys) as JsonObject;
            // an unpaired surrogate (\ud83d) is detected when a string is read, not when it is parsed
            _ = ComparisonKey(parsed);
            return parsed;
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>
    /// A key for comparing values: keys in order, strings trimmed and escaped, numbers as written (1 is not 1.0).
    /// <c>null</c> is a value too.
    /// </summary>
    public static string ComparisonKey(JsonNode? node) =>
        node switch
        {
            null => "null",
            JsonObject holder => "{"
                + string.Join(
                    ',',
                    holder
                        .OrderBy(p => p.Key, StringComparer.Ordinal)
                        .Select(p => $"{Escape(p.Key)}:{ComparisonKey(p.Value)}")
                )
                + "}",
            JsonArray items => "[" + string.Join(',', items.Select(ComparisonKey)) + "]",
            _ when node.GetValueKind() == JsonValueKind.String => Escape(node.GetValue<string>().Trim()),
            _ => node.ToJsonString(),
        };

    private static string Escape(string text) => JsonSerializer.Serialize(text);
}
