using Pipeline.Contracts;

namespace Pipeline.Datasets.Validation;

/// <summary>Rejects answers of extraction that are not JSON objects.</summary>
internal sealed class JsonAnswerCheck : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft) =>
        JsonAnswer.Parse(draft.Answer) is null
            ? new Rejection(
                RejectionReason.InvalidAnswer,
                "the answer is not a JSON object, or names a key twice; "
                    + "extraction learns and is measured by JSON objects"
            )
            : null;
}
