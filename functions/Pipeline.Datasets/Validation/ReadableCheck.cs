using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Validation;

/// <summary>Rejects rows that could not be read as rows, and rows that were withdrawn.</summary>
internal sealed class ReadableCheck : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft) =>
        draft.Row.Fault switch
        {
            null => null,
            RawRow.Withdrawn => new Rejection(RejectionReason.Withdrawn, RawRow.Withdrawn),
            var fault => new Rejection(RejectionReason.Malformed, fault),
        };
}
