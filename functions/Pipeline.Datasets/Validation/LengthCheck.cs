using Pipeline.Contracts;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Validation;

/// <summary>
/// Puts the default system prompt before dialogues without one, encodes the row as training will, and rejects rows of
/// more tokens than <c>validation.maxTokens</c>.
/// </summary>
/// <param name="encoder">The base's.</param>
/// <param name="maxTokens"><c>validation.maxTokens</c>.</param>
/// <param name="systemPrompt">The default system prompt; empty or <c>null</c>: none.</param>
/// <param name="isPlainText">
/// Whether rows are plain texts: they have no system prompt, and a long one is divided into pieces once it is known on
/// which side of the split it is.
/// </param>
internal sealed class LengthCheck(ChatEncoder encoder, int maxTokens, string? systemPrompt, bool isPlainText)
    : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft)
    {
        if (!isPlainText && draft.Messages[0].Role != MessageRole.System && !string.IsNullOrEmpty(systemPrompt))
        {
            draft.Messages.Insert(0, new ChatMessage(MessageRole.System, systemPrompt));
        }

        draft.Chat = encoder.Encode(draft.Messages);
        int tokens = draft.Chat.Ids.Count;
        return tokens > maxTokens && !isPlainText
            ? new Rejection(
                RejectionReason.TooLong,
                $"{tokens} tokens where {maxTokens} are allowed (validation.maxTokens); shorten or split it"
            )
            : null;
    }
}
