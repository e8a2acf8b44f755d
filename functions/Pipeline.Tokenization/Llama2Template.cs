using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Tokenization;

/// <summary>
/// The Llama-2 chat format. Source: meta-llama/llama, <c>llama/generation.py</c> at commit c769dfd (chat_completion):
/// the system text is folded into the first user turn, each text is stripped at its two ends, each turn is
/// <c>[INST] user [/INST] answer </c> with one BOS before and one EOS after.
/// </summary>
public static class Llama2Template
{
    /// <summary>The template's name in manifests and adapters.</summary>
    public const string Name = "llama2";

    /// <summary>The dialogue as one text, with the control tokens spelled out; for people, not for a tokenizer.</summary>
    public static string Render(IReadOnlyList<ChatMessage> messages)
    {
        var text = new StringBuilder();
        foreach (Llama2Turn turn in Turns(messages))
        {
            text.Append("<s>").Append(turn.Prompt).Append(turn.Answer);
            if (turn.Answer is not null)
            {
                text.Append("</s>");
            }
        }

        return text.ToString();
    }

    /// <summary>The turns of a dialogue.</summary>
    /// <exception cref="ArgumentException">The roles are not [system] (user assistant)* [user], or there is no message.</exception>
    internal static IEnumerable<Llama2Turn> Turns(IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        string? system = messages.Count > 0 && messages[0].Role == ChatMessage.System ? messages[0].Content : null;
        int first = system is null ? 0 : 1;
        if (messages.Count == first)
        {
            throw new ArgumentException("A dialogue needs at least one message of the user's.", nameof(messages));
        }

        for (int i = first; i < messages.Count; i++)
        {
            string expected = (i - first) % 2 == 0 ? ChatMessage.User : ChatMessage.Assistant;
            if (messages[i].Role != expected)
            {
                throw new ArgumentException($"Message {i + 1} is of role '{messages[i].Role}' where '{expected}' is due: user and assistant take turns, system may stand first.", nameof(messages));
            }
        }

        return Iterate(messages, system, first);
    }

    private static IEnumerable<Llama2Turn> Iterate(IReadOnlyList<ChatMessage> messages, string? system, int first)
    {
        for (int i = first; i < messages.Count; i += 2)
        {
            string user = messages[i].Content;
            if (i == first && system is not null)
            {
                user = $"<<SYS>>\n{system}\n<</SYS>>\n\n{user}";
            }

            string? answer = i + 1 < messages.Count ? $" {messages[i + 1].Content.Trim()} " : null;
            yield return new Llama2Turn($"[INST] {user.Trim()} [/INST]", answer);
        }
    }
}

/// <summary>One turn: its prompt, and its answer with the blanks around it, <c>null</c> where it is still to be written.</summary>
internal sealed record Llama2Turn(string Prompt, string? Answer);
