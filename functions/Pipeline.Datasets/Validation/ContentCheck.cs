using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;

namespace Pipeline.Datasets.Validation;

/// <summary>
/// Reads the row's messages by its file's layout and cleans them; rejects rows of which no message is left.
/// </summary>
internal sealed class ContentCheck(TaskKind task, bool hasLabels) : IRowCheck
{
    /// <inheritdoc/>
    public Rejection? Check(RowDraft draft)
    {
        RowContent content = draft.Layout.Map(draft.Row, task);
        if (content.Reason is { } reason)
        {
            return new Rejection(reason, content.Detail);
        }

        draft.Messages = MessageCleaning.Clean(content, draft.Layout, hasLabels);
        if (draft.Messages.Find(m => m.Content.Length == 0) is not { } empty)
        {
            return null;
        }

        (RejectionReason missing, string column) =
            empty.Role == MessageRole.Assistant
                ? (RejectionReason.MissingLabel, draft.Layout.Columns.Label)
                : (RejectionReason.MissingText, draft.Layout.Columns.Text);
        return new Rejection(missing, $"nothing is left of '{column}' without blanks and control characters");
    }
}
