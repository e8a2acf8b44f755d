using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Privacy;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Validation;

/// <summary>
/// Decides on each row by itself whether it can be learned. Whether another says the same is decided over all of them.
/// </summary>
internal sealed class RowValidator(
    LabelSet? labels,
    string task,
    string? systemPrompt,
    ChatEncoder encoder,
    int maxTokens,
    Deidentifier? privacy,
    string? reviewerColumn
)
{
    /// <summary>Judges a row.</summary>
    /// <param name="row">As it was read.</param>
    /// <param name="layout">Of its file.</param>
    public ValidatedRow Validate(RawRow row, RowLayout layout)
    {
        string id = row.Id;
        ValidatedRow Reject(string reason, string detail) =>
            new(
                null,
                "",
                default,
                new RejectedRow(id, RejectedRow.Rejected, reason, detail, null, row.Place, row.Fields)
            );

        if (row.Fault is not null)
        {
            return Reject(
                row.Fault == RawRow.Withdrawn ? RejectionReason.Withdrawn : RejectionReason.Malformed,
                row.Fault
            );
        }

        RowContent content = layout.Map(row, task);
        if (content.Reason is { } reason)
        {
            return Reject(reason, content.Detail);
        }

        List<ChatMessage> messages = Clean(content, layout, labels is not null);
        if (messages.Find(m => m.Content.Length == 0) is { } empty)
        {
            return empty.Role == ChatMessage.Assistant
                ? Reject(
                    RejectionReason.MissingLabel,
                    $"nothing is left of '{layout.Columns.Label}' without blanks and control characters"
                )
                : Reject(
                    RejectionReason.MissingText,
                    $"nothing is left of '{layout.Columns.Text}' without blanks and control characters"
                );
        }

        if (messages.Any(m => m.Content.Contains('\uFFFD', StringComparison.Ordinal)))
        {
            return Reject(
                RejectionReason.InvalidText,
                "holds the mark U+FFFD, where an earlier program lost a character; export the source again as UTF-8"
            );
        }

        string spelling = messages[^1].Content;
        string? answer = labels is null ? spelling : labels.Resolve(spelling);
        if (answer is null)
        {
            return Reject(RejectionReason.UnknownLabel, labels!.Explain(spelling));
        }

        if (task == ProjectSettings.ExtractionTask && JsonAnswer.Parse(answer) is null)
        {
            return Reject(
                RejectionReason.InvalidAnswer,
                "the answer is not a JSON object, or names a key twice; extraction learns and is measured by JSON objects"
            );
        }

        bool plain = task == ProjectSettings.TextTask;
        messages[^1] = messages[^1] with { Content = answer };
        IReadOnlyDictionary<string, int>? replaced = null;
        if (privacy is not null)
        {
            (messages, replaced) = privacy.Replace(messages, labels is not null);
            answer = messages[^1].Content;
        }

        if (!plain && messages[0].Role != ChatMessage.System && !string.IsNullOrEmpty(systemPrompt))
        {
            messages.Insert(0, new ChatMessage(ChatMessage.System, systemPrompt));
        }

        EncodedChat chat = encoder.Encode(messages);
        int tokens = chat.Ids.Count;
        // a long text is cut into pieces, once it is known on which side of the split it lies
        if (tokens > maxTokens && !plain)
        {
            return Reject(
                RejectionReason.TooLong,
                $"{tokens} tokens where {maxTokens} are allowed (validation.maxTokens); shorten or split it"
            );
        }

        var example = new Example
        {
            Id = id,
            Messages = messages,
            Text = encoder.Template.Render(messages),
            Label = labels is null ? null : answer,
            Source = row.Place,
            Reviewer = ReviewerOf(row, layout),
            Replaced = replaced is { Count: > 0 } ? replaced : null,
        };
        RowMeasure measure = RowMeasure.Of(encoder, example, chat);
        if (!measure.ReadsBack)
        {
            return Reject(
                RejectionReason.InvalidText,
                "the base's tokenizer cannot write the answer as it stands; replace its unusual characters, or choose another base"
            );
        }

        string key = string.Join(
            '\0',
            messages
                .Where(m => m.Role != ChatMessage.System || m.Content != systemPrompt)
                .SkipLast(plain ? 0 : 1)
                .Select(m => TextCleaning.Key(m.Content))
        );
        key = task is ProjectSettings.InstructionTask or ProjectSettings.ChatTask
            ? $"{key}\0{TextCleaning.Key(answer)}"
            : key; // of free answers several may be right
        return new ValidatedRow(example, key, measure, null);
    }

    private string? ReviewerOf(RawRow row, RowLayout layout)
    {
        IEnumerable<string> names = reviewerColumn is null ? ColumnSettings.ReviewerNames : [reviewerColumn];
        string said = names
            .Where(n => n != layout.Columns.Text && n != layout.Columns.Label)
            .Select(n => row.Fields.GetValueOrDefault(n, ""))
            .FirstOrDefault(v => v.Length > 0, "");
        return string.IsNullOrWhiteSpace(said) ? null : TextCleaning.Clean(said);
    }

    /// <summary>A row's messages, cleaned.</summary>
    /// <param name="content">What the row says.</param>
    /// <param name="layout">Of its file.</param>
    /// <param name="labelled">Whether the answer is a label.</param>
    public static List<ChatMessage> Clean(RowContent content, RowLayout layout, bool labelled) =>
        [
            .. content.Messages.Select(m =>
                m with
                {
                    Content = TextCleaning.Clean(
                        m.Content,
                        layout.HasAccidents && (labelled || m.Role != ChatMessage.Assistant)
                    ),
                }
            ),
        ];

    /// <summary>What is asked, without the system's text and the answer; a plain text as a whole.</summary>
    public static string PromptText(IReadOnlyList<ChatMessage> messages) =>
        string.Join(
            '\n',
            messages
                .Where(
                    (m, i) =>
                        m.Role is ChatMessage.Document or ChatMessage.Excerpt
                        || (m.Role != ChatMessage.System && i < messages.Count - 1)
                )
                .Select(m => m.Content)
        );
}

/// <summary>How a row ended by itself.</summary>
/// <param name="Accepted">The example; <c>null</c>: it is none.</param>
/// <param name="Key">What two rows have in common that ask the same.</param>
/// <param name="Measure">The example's tokens.</param>
/// <param name="Rejected">Why it is none.</param>
internal sealed record ValidatedRow(Example? Accepted, string Key, RowMeasure Measure, RejectedRow? Rejected);
