using Pipeline.Contracts;

namespace Pipeline.Datasets.Validation;

/// <summary>Rejects rows that could not be read as rows, and rows that were withdrawn.</summary>
internal sealed class ReadableCheck : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft) =>
        draft.Row.Fault is { } fault
            ? new Rejection(draft.Row.IsWithdrawn ? RejectionReason.Withdrawn : RejectionReason.Malformed, fault)
            : null;
}
