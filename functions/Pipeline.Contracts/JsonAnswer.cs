using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pipeline.Contracts;

/// <summary>Answers that are JSON objects: what extraction learns and is measured by.</summary>
public static class JsonAnswer
{
    private static readonly JsonDocumentOptions NoDoubles = new() { AllowDuplicateProperties = false };

    /// <summary>The object that a text is; <c>null</c>: it is not JSON, not an object, or names a key twice.</summary>
    public static JsonObject? Parse(string text)
    {
        try
        {
            var parsed = JsonNode.Parse(text, documentOptions: NoDoubles) as JsonObject;
            _ = Canonical(parsed); // half an escape (\\ud83d) is found when the text is taken, not when it is parsed
            return parsed;
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>
    /// A value as text that is the same for the same content: keys in order, text without blanks at its ends.
    /// </summary>
    public static string Canonical(JsonNode? node) =>
        node switch
        {
            null => "null",
            JsonObject holder => "{"
                + string.Join(
                    ',',
                    holder.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}:{Canonical(p.Value)}")
                )
                + "}",
            JsonArray items => "[" + string.Join(',', items.Select(Canonical)) + "]",
            _ when node.GetValueKind() == JsonValueKind.String => "\"" + node.GetValue<string>().Trim() + "\"",
            _ => node.ToJsonString(),
        };
}
