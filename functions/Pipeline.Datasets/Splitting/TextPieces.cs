using Pipeline.Contracts;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Cuts a plain text that does not fit into pieces that do: at the end of a paragraph, of a line, of a sentence or of a
/// word, the first of these that lies in the latter half of what fits. A blank at a cut belongs to neither piece: it
/// would be a token of its own there, as no text has it. Otherwise the pieces together are the text, to the letter.
/// </summary>
public static class TextPieces
{
    private const int LongestToken = 16; // characters a token that are looked at, at most

    /// <summary>The pieces of a text, in order; the text itself when it fits.</summary>
    /// <param name="text">One document.</param>
    /// <param name="encoder">With the plain-text template.</param>
    /// <param name="maxTokens">Tokens a piece, BOS and end token among them.</param>
    public static IEnumerable<Example> Divide(Example text, ChatEncoder encoder, int maxTokens)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(encoder);
        string rest = text.Messages[0].Content;
        for (int piece = 1; ; piece++)
        {
            int cut = Fits(rest, MessageRole.Document) ? rest.Length : Cut(rest);
            bool last = cut == rest.Length;
            ChatMessage[] messages =
            [
                new ChatMessage(
                    last ? MessageRole.Document : MessageRole.Excerpt,
                    last ? rest : rest[..cut].TrimEnd(' ')
                ),
            ];
            yield return piece == 1 && last
                ? text
                : text with
                {
                    Id = $"{text.Id}.{piece}",
                    Messages = messages,
                    Text = encoder.Template.Render(messages),
                };
            if (last)
            {
                yield break;
            }

            rest = rest[cut..].TrimStart(' ');
        }

        bool Fits(string part, MessageRole role) =>
            part.Length <= (long)maxTokens * LongestToken
            && encoder.Encode([new ChatMessage(role, part)]).Ids.Count <= maxTokens;

        int Cut(string whole)
        {
            // The longest head that fits, found by halving; more characters are never fewer tokens, but for a few at a
            // border.
            (int fits, int tooLong) = (0, (int)Math.Min(whole.Length, (long)maxTokens * LongestToken));
            while (tooLong - fits > 1)
            {
                int middle = (fits + tooLong) / 2;
                (fits, tooLong) = Fits(whole[..middle], MessageRole.Excerpt) ? (middle, tooLong) : (fits, middle);
            }

            int most = Math.Max(1, fits);
            return Behind(whole, most, "\n\n")
                ?? Behind(whole, most, "\n")
                ?? Behind(whole, most, ". ")
                ?? Behind(whole, most, " ")
                ?? (most > 1 && char.IsHighSurrogate(whole[most - 1]) ? most - 1 : most);
        }
    }

    /// <summary>The place after the last border in the latter half of a head.</summary>
    private static int? Behind(string text, int length, string border)
    {
        int at = text.LastIndexOf(border, length - 1, StringComparison.Ordinal);
        return at >= length / 2 && at + border.Length <= length ? at + border.Length : null;
    }
}
