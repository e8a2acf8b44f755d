namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// Tokens that a tokenizer.json adds to the model's vocabulary as ordinary text (<c>"special": false</c>, such as
/// Qwen's <c>&lt;think&gt;</c>): where one stands in a text it is one token. Control tokens are not among them. Source:
/// huggingface/tokenizers, <c>added_vocabulary.rs</c>, with <c>encode_special_tokens</c>.
/// </summary>
internal sealed class AddedTokens(IReadOnlyDictionary<string, int> tokens)
{
    private readonly (string Text, int Id)[] _tokens =
    [
        .. tokens.Select(t => (t.Key, t.Value)).OrderByDescending(t => t.Key.Length),
    ];

    /// <summary>Splits a text into what lies between added tokens, and the tokens.</summary>
    /// <returns>Pieces of text with -1, and added tokens with their id, in order.</returns>
    public IEnumerable<(string Text, int Id)> Split(string text)
    {
        int start = 0;
        while (start < text.Length && Next(text, start) is { } found)
        {
            if (found.At > start)
            {
                yield return (text[start..found.At], -1);
            }

            yield return (found.Text, found.Id);
            start = found.At + found.Text.Length;
        }

        if (start < text.Length)
        {
            yield return (text[start..], -1);
        }
    }

    private (int At, string Text, int Id)? Next(string text, int start)
    {
        (int At, string Text, int Id)? best = null;
        foreach ((string token, int id) in _tokens)
        {
            int at = text.IndexOf(token, start, StringComparison.Ordinal);
            if (at >= 0 && (best is null || at < best.Value.At))
            {
                best = (at, token, id);
            }
        }

        return best;
    }
}
