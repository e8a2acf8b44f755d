using Pipeline.Datasets.Privacy;

namespace Pipeline.Datasets.Validation;

/// <summary>Replaces private values by masks or surrogates; rejects nothing.</summary>
internal sealed class PrivacyReplacement(Deidentifier deidentifier, bool hasLabels) : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft)
    {
        (draft.Messages, draft.Replaced) = deidentifier.Replace(draft.Messages, hasLabels);
        return null;
    }
}
