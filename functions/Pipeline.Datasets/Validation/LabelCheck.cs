using Pipeline.Contracts;

namespace Pipeline.Datasets.Validation;

/// <summary>Replaces a label's spelling by the label; rejects what is the spelling of none.</summary>
internal sealed class LabelCheck(LabelSet labels) : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft)
    {
        string spelling = draft.Answer;
        if (labels.Resolve(spelling) is not { } label)
        {
            return new Rejection(RejectionReason.UnknownLabel, labels.Explain(spelling));
        }

        draft.Answer = label;
        return null;
    }
}
