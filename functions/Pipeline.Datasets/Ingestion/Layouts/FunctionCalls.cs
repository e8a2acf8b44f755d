using System.Text.Json;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// Calls of functions in OpenAI's messages (<c>tool_calls</c>, formerly <c>function_call</c>), as text: JSON of name
/// and arguments, as ShareGPT's <c>function_call</c> has them. Source: platform.openai.com/docs/guides/fine-tuning.
/// </summary>
internal static class FunctionCalls
{
    /// <summary>The calls of a message, to stand after its content; empty: it has none.</summary>
    public static string After(string content, JsonElement message)
    {
        string[] calls = [.. From(message)];
        return calls.Length == 0 ? ""
            : content.Length == 0 ? string.Join('\n', calls)
            : "\n\n" + string.Join('\n', calls);
    }

    private static IEnumerable<string> From(JsonElement message)
    {
        if (message.TryGetProperty("tool_calls", out JsonElement calls) && calls.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement call in calls.EnumerateArray())
            {
                yield return Write(call.TryGetProperty("function", out JsonElement function) ? function : call);
            }
        }
        else if (
            message.TryGetProperty("function_call", out JsonElement single)
            && single.ValueKind == JsonValueKind.Object
        )
        {
            yield return Write(single);
        }
    }

    private static string Write(JsonElement function)
    {
        string name = function.TryGetProperty("name", out JsonElement named) ? named.GetRawText() : "null";
        string arguments = function.TryGetProperty("arguments", out JsonElement given) ? Arguments(given) : "{}";
        return $"{{\"name\": {name}, \"arguments\": {arguments}}}";
    }

    /// <summary>Arguments as JSON; OpenAI has them as JSON within a text.</summary>
    private static string Arguments(JsonElement given)
    {
        if (given.ValueKind != JsonValueKind.String)
        {
            return given.GetRawText();
        }

        string text = given.GetString()!;
        try
        {
            using JsonDocument _ = JsonDocument.Parse(text);
            return text;
        }
        catch (JsonException)
        {
            return given.GetRawText(); // a text, as it is
        }
    }
}
