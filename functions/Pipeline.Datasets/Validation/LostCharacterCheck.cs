using Pipeline.Contracts;

namespace Pipeline.Datasets.Validation;

/// <summary>Rejects rows in which an earlier program replaced a character by U+FFFD.</summary>
internal sealed class LostCharacterCheck : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft) =>
        draft.Messages.Any(m => m.Content.Contains('\uFFFD', StringComparison.Ordinal))
            ? new Rejection(
                RejectionReason.InvalidText,
                "holds the mark U+FFFD, where an earlier program lost a character; export the source again as UTF-8"
            )
            : null;
}
