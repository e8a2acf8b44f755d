using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

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
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
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

                messages.Add(
                    new ChatMessage(role, content + FunctionCalls.After(content, element))
                    {
                        Weight = WeightOf(element),
                    }
                );
            }
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return (
                [],
                RowContent.Refused(
                    RejectionReason.Malformed,
                    json.TrimStart().StartsWith("[{'", StringComparison.Ordinal)
                        ? "the messages are Python source, not JSON; write them with json.dumps"
                        : $"the messages are not JSON: {fault.Message}"
                )
            );
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
            if (merged.Count > 0 && merged[^1].Role == message.Role && merged[^1].IsContext == message.IsContext)
            {
                merged[^1] = merged[^1] with { Content = merged[^1].Content + "\n\n" + message.Content };
            }
            else
            {
                merged.Add(message);
            }
        }

        if (merged.Any(m => m.IsContext) && CutContext(merged) is { } refusal)
        {
            return refusal;
        }

        int first = merged.Count > 0 && merged[0].Role == MessageRole.System ? 1 : 0;
        if (merged.Skip(first).Any(m => m.Role == MessageRole.System))
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

        if (merged[first].Role != MessageRole.User)
        {
            return RowContent.Refused(
                RejectionReason.MissingText,
                "the dialogue begins with an answer; it must begin with the user"
            );
        }

        if (merged[^1].Role != MessageRole.Assistant)
        {
            return RowContent.Refused(RejectionReason.MissingLabel, "the dialogue does not end with an answer");
        }

        ChatMessage? empty = merged.Find(m => m.Content.Trim().Length == 0);
        return empty is null
            ? new RowContent { Messages = merged }
            : RowContent.Refused(
                empty.Role == MessageRole.Assistant ? RejectionReason.MissingLabel : RejectionReason.MissingText,
                $"a message of the role '{empty.Role.Name()}' is empty"
            );
    }

    /// <summary>Cuts what follows the last answer that is learned: it changes nothing of what is learned.</summary>
    /// <returns>Why the dialogue cannot be learned; <c>null</c>: it can.</returns>
    private static RowContent? CutContext(List<ChatMessage> messages)
    {
        int last = messages.FindLastIndex(m => m.Role == MessageRole.Assistant && !m.IsContext);
        if (last < 0)
        {
            return RowContent.Refused(
                RejectionReason.NothingToLearn,
                "every answer is marked as context (weight 0, train false): nothing is to be learned"
            );
        }

        messages.RemoveRange(last + 1, messages.Count - last - 1);
        return messages.Zip(messages.Skip(1)).Any(p => p.First.Role == p.Second.Role)
            ? RowContent.Refused(
                RejectionReason.Malformed,
                "an answer that is learned and one that is context follow each other; make one of them"
            )
            : null;
    }

    /// <summary>A list of pairs of question and answer, as alpaca's <c>history</c>.</summary>
    /// <returns>The messages, none of a missing cell; a refusal when it is something else.</returns>
    public static (List<ChatMessage> Messages, RowContent? Refusal) Pairs(Cell cell, string column)
    {
        if (string.IsNullOrWhiteSpace(cell.Text))
        {
            return ([], null);
        }

        try
        {
            string[][] pairs = JsonSerializer.Deserialize<string[][]>(cell.Text) ?? [];
            return pairs.All(p => p is [not null, not null])
                ? (
                    [
                        .. pairs.SelectMany(p =>
                            (ChatMessage[])
                                [new ChatMessage(MessageRole.User, p[0]), new ChatMessage(MessageRole.Assistant, p[1])]
                        ),
                    ],
                    null
                )
                : ([], NoPairs(column));
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return ([], NoPairs(column));
        }
    }

    private static RowContent NoPairs(string column) =>
        RowContent.Refused(
            RejectionReason.Malformed,
            $"column '{column}' is not a list of pairs of question and answer"
        );

    /// <summary>
    /// 0 where a message is marked as one that is not to be learned: OpenAI's <c>weight</c>, ShareGPT's <c>train</c>
    /// and <c>training</c>, <c>loss</c>; <c>mask</c> and <c>masked</c> the other way round.
    /// </summary>
    private static int? WeightOf(JsonElement message)
    {
        bool isContext =
            (message.TryGetProperty("weight", out JsonElement weight) && IsOff(weight))
            || ((string[])["train", "training", "loss", "learn"]).Any(k =>
                message.TryGetProperty(k, out JsonElement flag) && IsOff(flag)
            )
            || ((string[])["mask", "masked"]).Any(k =>
                message.TryGetProperty(k, out JsonElement flag) && flag.ValueKind == JsonValueKind.True
            );
        return isContext ? 0 : null;
    }

    private static bool IsOff(JsonElement value) =>
        value.ValueKind == JsonValueKind.False
        || (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == 0);

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
    private static MessageRole? RoleNamed(string name) =>
        name.ToLowerInvariant() switch
        {
            "system" or "developer" => MessageRole.System,
            "user" or "human" or "observation" or "tool" or "function" or "ipython" => MessageRole.User,
            "assistant" or "gpt" or "chatgpt" or "bot" or "model" or "function_call" or "tool_call" =>
                MessageRole.Assistant,
            _ => null,
        };

    private static string? ContentOf(JsonElement message)
    {
        if (
            !message.TryGetProperty("content", out JsonElement content) && !message.TryGetProperty("value", out content)
        )
        {
            return FunctionCalls.After("", message).Length > 0 ? "" : null;
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
