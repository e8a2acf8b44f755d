using Pipeline.Contracts;

namespace Pipeline.Tokenization;

/// <summary>
/// The one encoder: messages straight to ids and loss mask, never over rendered text, so that BOS stands exactly where
/// the template puts it and nothing that a person wrote becomes a control token.
/// </summary>
public sealed class ChatEncoder(LlamaTokenizer tokenizer)
{
    public LlamaTokenizer Tokenizer => tokenizer;

    /// <summary>Encodes a dialogue; one that ends with the user's turn is a prompt, with nothing to learn.</summary>
    /// <exception cref="ArgumentException">The roles are not [system] (user assistant)* [user], or there is no message.</exception>
    public EncodedChat Encode(IReadOnlyList<ChatMessage> messages)
    {
        var ids = new List<int>();
        var mask = new List<byte>();
        foreach (Llama2Turn turn in Llama2Template.Turns(messages))
        {
            int[] prompt = tokenizer.Encode(turn.Prompt);
            ids.Add(tokenizer.BosId);
            mask.Add(0);
            if (turn.Answer is null)
            {
                Append(ids, mask, prompt, 0);
                continue;
            }

            int[] whole = tokenizer.Encode(turn.Prompt + turn.Answer);
            if (!whole.AsSpan().StartsWith(prompt))
            {
                throw new InvalidOperationException("This tokenizer merges across the end of the prompt; the template does not fit it.");
            }

            Append(ids, mask, prompt, 0);
            Append(ids, mask, whole.AsSpan(prompt.Length), 1);
            ids.Add(tokenizer.EosId);
            mask.Add(1);
        }

        return new EncodedChat([.. ids], [.. mask]);
    }

    /// <summary>The prompt of a dialogue and, apart, what the model has to say: the last answer's ids with the end token.</summary>
    /// <exception cref="ArgumentException">The last message is not the assistant's.</exception>
    public (IReadOnlyList<int> Prompt, IReadOnlyList<int> Answer) EncodeAnswer(IReadOnlyList<ChatMessage> messages)
    {
        if (messages.Count == 0 || messages[^1].Role != ChatMessage.Assistant)
        {
            throw new ArgumentException("The last message must be the assistant's.", nameof(messages));
        }

        IReadOnlyList<int> whole = Encode(messages).Ids;
        IReadOnlyList<int> prompt = Encode([.. messages.SkipLast(1)]).Ids;
        return (prompt, [.. whole.Skip(prompt.Count)]);
    }

    private static void Append(List<int> ids, List<byte> mask, ReadOnlySpan<int> tokens, byte learned)
    {
        foreach (int token in tokens)
        {
            ids.Add(token);
            mask.Add(learned);
        }
    }
}
