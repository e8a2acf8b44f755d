using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// Lists of messages: OpenAI's <c>role</c> and <c>content</c>, ShareGPT's <c>from</c> and <c>value</c>.
/// </summary>
internal static class Dialogue
{
    /// <summary>Whether a value is a list of messages.</summary>
    public static bool IsDialogue(string json)
    {
        if (!json.TrimStart().StartsWith('['))
        {
            return false;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.GetArrayLength() > 0
                && document
                    .RootElement.EnumerateArray()
                    .All(m => m.ValueKind == JsonValueKind.Object && RoleOf(m) is not null);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Reads a list of messages.</summary>
    /// <param name="json">The list, or one message.</param>
    /// <returns>The messages; a refusal when one is of a kind that is not learned here.</returns>
    public static (List<ChatMessage> Messages, RowContent? Refusal) Read(string json)
    {
        var messages = new List<ChatMessage>();
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            IEnumerable<JsonElement> elements =
                document.RootElement.ValueKind == JsonValueKind.Array
                    ? document.RootElement.EnumerateArray()
                    : [document.RootElement];
            foreach (JsonElement element in elements)
            {
                string? spelling = RoleOf(element);
                if (spelling is null || RoleNamed(spelling) is not { } role)
                {
                    return (
                        [],
                        RowContent.Refused(
                            RejectionReason.Malformed,
                            spelling is null
                                ? "a message has neither 'role' nor 'from'"
                                : $"a message has the role '{spelling}', which is not known"
                        )
                    );
                }

                if (ContentOf(element) is not { } content)
                {
                    return (
                        [],
                        RowContent.Refused(
                            RejectionReason.Malformed,
                            "a message has no text; images and sounds are not learned"
                        )
                    );
                }

                messages.Add(new ChatMessage(role, content));
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return ([], RowContent.Refused(RejectionReason.Malformed, $"the messages are no JSON: {fault.Message}"));
        }

        return (messages, null);
    }

    /// <summary>
    /// Messages as the templates take them: neighbours of one role become one, system first, the assistant last.
    /// </summary>
    public static RowContent Check(IReadOnlyList<ChatMessage> messages)
    {
        var merged = new List<ChatMessage>();
        foreach (ChatMessage message in messages)
        {
            if (merged.Count > 0 && merged[^1].Role == message.Role)
            {
                merged[^1] = merged[^1] with { Content = merged[^1].Content + "\n\n" + message.Content };
            }
            else
            {
                merged.Add(message);
            }
        }

        int first = merged.Count > 0 && merged[0].Role == ChatMessage.System ? 1 : 0;
        if (merged.Skip(first).Any(m => m.Role == ChatMessage.System))
        {
            return RowContent.Refused(
                RejectionReason.Malformed,
                "a system message stands within the dialogue; it may stand first only"
            );
        }

        if (merged.Count == first)
        {
            return RowContent.Refused(RejectionReason.MissingText, "the dialogue has no messages");
        }

        if (merged[first].Role != ChatMessage.User)
        {
            return RowContent.Refused(
                RejectionReason.MissingText,
                "the dialogue begins with an answer; it must begin with the user"
            );
        }

        if (merged[^1].Role != ChatMessage.Assistant)
        {
            return RowContent.Refused(RejectionReason.MissingLabel, "the dialogue does not end with an answer");
        }

        ChatMessage? empty = merged.Find(m => m.Content.Trim().Length == 0);
        return empty is null
            ? new RowContent { Messages = merged }
            : RowContent.Refused(
                empty.Role == ChatMessage.Assistant ? RejectionReason.MissingLabel : RejectionReason.MissingText,
                $"a message of the role '{empty.Role}' is empty"
            );
    }

    private static string? RoleOf(JsonElement message) =>
        message.ValueKind == JsonValueKind.Object
        && (message.TryGetProperty("role", out JsonElement role) || message.TryGetProperty("from", out role))
        && role.ValueKind == JsonValueKind.String
            ? role.GetString()
            : null;

    /// <summary>
    /// Calls of functions are the assistant's to write; what they give back is told to it. As LLaMA-Factory has it
    /// (<c>data/README.md</c>).
    /// </summary>
    private static string? RoleNamed(string name) =>
        name.ToLowerInvariant() switch
        {
            "system" or "developer" => ChatMessage.System,
            "user" or "human" or "observation" or "tool" or "function" or "ipython" => ChatMessage.User,
            "assistant" or "gpt" or "chatgpt" or "bot" or "model" or "function_call" or "tool_call" =>
                ChatMessage.Assistant,
            _ => null,
        };

    private static string? ContentOf(JsonElement message)
    {
        if (
            !message.TryGetProperty("content", out JsonElement content) && !message.TryGetProperty("value", out content)
        )
        {
            return null;
        }

        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString(),
            JsonValueKind.Null => "",
            JsonValueKind.Array when content.EnumerateArray().All(p => PartOf(p) is not null) => string.Concat(
                content.EnumerateArray().Select(PartOf)
            ),
            _ => null,
        };
    }

    private static string? PartOf(JsonElement part) =>
        part.ValueKind switch
        {
            JsonValueKind.String => part.GetString(),
            JsonValueKind.Object
                when (part.TryGetProperty("text", out JsonElement text) || part.TryGetProperty("value", out text))
                    && text.ValueKind == JsonValueKind.String => text.GetString(),
            _ => null,
        };
}
