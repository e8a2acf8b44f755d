using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;

namespace Pipeline.Datasets.Validation;

/// <summary>A row's messages, cleaned, and what of them is the prompt.</summary>
internal static class MessageCleaning
{
    /// <summary>A row's messages, cleaned.</summary>
    /// <param name="content">What the row holds.</param>
    /// <param name="layout">Of its file.</param>
    /// <param name="hasLabels">Whether the answer is a label.</param>
    public static List<ChatMessage> Clean(RowContent content, RowLayout layout, bool hasLabels) =>
        [
            .. content.Messages.Select(m =>
                m with
                {
                    Content = TextCleaning.Clean(
                        m.Content,
                        layout.HasAccidents && (hasLabels || m.Role != MessageRole.Assistant)
                    ),
                }
            ),
        ];

    /// <summary>The prompt, without the system's text and the answer; a plain text as a whole.</summary>
    public static string PromptText(IReadOnlyList<ChatMessage> messages) =>
        string.Join(
            '\n',
            messages
                .Where(
                    (m, i) =>
                        m.Role is MessageRole.Document or MessageRole.Excerpt
                        || (m.Role != MessageRole.System && i < messages.Count - 1)
                )
                .Select(m => m.Content)
        );
}
