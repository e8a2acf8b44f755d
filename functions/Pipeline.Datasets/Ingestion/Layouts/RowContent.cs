using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>What a row says, whatever the form it came in.</summary>
public sealed record RowContent
{
    /// <summary>
    /// Optional system text, then user and assistant in turns, the assistant last; or one plain text of the role
    /// <c>document</c>.
    /// </summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>
    /// Why nothing can be learned from it: a code of <see cref="RejectionReason"/>; <c>null</c>: something can.
    /// </summary>
    public RejectionReason? Reason { get; init; }

    /// <summary>The reason in words, with the fix.</summary>
    public string Detail { get; init; } = "";

    /// <summary>A question and its answer.</summary>
    public static RowContent Pair(string question, string answer) =>
        new()
        {
            Messages = [new ChatMessage(MessageRole.User, question), new ChatMessage(MessageRole.Assistant, answer)],
        };

    /// <summary>A row from which nothing can be learned.</summary>
    public static RowContent Refused(RejectionReason reason, string detail) =>
        new()
        {
            Messages = [],
            Reason = reason,
            Detail = detail,
        };
}
