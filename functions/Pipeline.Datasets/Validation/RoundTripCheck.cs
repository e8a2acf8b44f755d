using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Validation;

/// <summary>
/// Makes the example and measures its tokens; rejects rows whose answer does not read back from them, character by
/// character.
/// </summary>
/// <param name="encoder">The base's.</param>
/// <param name="hasLabels">Whether the answer is a label.</param>
/// <param name="reviewerColumn">The column that names who checked the answer; <c>null</c>: the usual names.</param>
internal sealed class RoundTripCheck(ChatEncoder encoder, bool hasLabels, string? reviewerColumn) : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft)
    {
        draft.Example = new Example
        {
            Id = draft.Row.Id,
            Messages = draft.Messages,
            Text = encoder.Template.Render(draft.Messages),
            Label = hasLabels ? draft.Answer : null,
            Source = draft.Row.Place,
            Reviewer = ReviewerOf(draft.Row, draft.Layout),
            Replaced = draft.Replaced is { Count: > 0 } replaced ? replaced : null,
        };
        draft.Measure = RowMeasure.From(encoder, draft.Example, draft.Chat!);
        return draft.Measure.RoundTrips
            ? null
            : new Rejection(
                RejectionReason.InvalidText,
                "the base's tokenizer cannot write the answer as it stands; "
                    + "replace its unusual characters, or choose another base"
            );
    }

    private string? ReviewerOf(RawRow row, RowLayout layout)
    {
        IEnumerable<string> names = reviewerColumn is null ? ColumnSettings.ReviewerNames : [reviewerColumn];
        string reviewer = names
            .Where(n => n != layout.Columns.Text && n != layout.Columns.Label)
            .Select(n => row.Fields.GetValueOrDefault(n, ""))
            .FirstOrDefault(v => v.Length > 0, "");
        return string.IsNullOrWhiteSpace(reviewer) ? null : TextCleaning.Clean(reviewer);
    }
}
