using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Validation;

/// <summary>
/// Decides how each row ends: accepted, rejected with a reason, or duplicate. Rows are judged in order; the first of two
/// equal ones stays, so the test set is judged before the rows to learn from.
/// </summary>
internal sealed class RowJudge(LabelBook? book, string task, string? systemPrompt, ChatEncoder encoder, int maxTokens)
{
    private readonly Dictionary<string, (string Id, string Answer)> _seen = new(StringComparer.Ordinal);

    /// <summary>Tokens of the longest accepted example.</summary>
    public int LongestTokens { get; private set; }

    public (Example? Accepted, RejectedRow? Rejected) Judge(RawRow row, RowLayout layout)
    {
        string id = $"{row.Place.File}#{row.Place.Row}";
        RejectedRow Reject(string reason, string detail, string? of = null) => new(
            id, reason == RejectionReason.Duplicate ? RejectedRow.Duplicate : RejectedRow.Rejected, reason, detail, of, row.Place, row.Fields);

        if (row.Fault is not null)
        {
            return (null, Reject(RejectionReason.Malformed, row.Fault));
        }

        RowContent content = layout.Map(row, task);
        if (content.Reason is { } reason)
        {
            return (null, Reject(reason, content.Detail));
        }

        List<ChatMessage> messages = [.. content.Messages.Select(m => m with { Content = TextCleaning.Clean(m.Content, layout.HasAccidents && (book is not null || m.Role != ChatMessage.Assistant)) })];
        if (messages.Find(m => m.Content.Length == 0) is { } empty)
        {
            return (null, empty.Role == ChatMessage.Assistant
                ? Reject(RejectionReason.MissingLabel, $"nothing is left of '{layout.Columns.Label}' without blanks and control characters")
                : Reject(RejectionReason.MissingText, $"nothing is left of '{layout.Columns.Text}' without blanks and control characters"));
        }

        if (messages.Any(m => m.Content.Contains('\uFFFD', StringComparison.Ordinal)))
        {
            return (null, Reject(RejectionReason.InvalidText, "holds the mark U+FFFD, where an earlier program lost a character; export the source again as UTF-8"));
        }

        string spelling = messages[^1].Content;
        string? answer = book is null ? spelling : book.Resolve(spelling);
        if (answer is null)
        {
            return (null, Reject(RejectionReason.UnknownLabel, book!.Explain(spelling)));
        }

        bool plain = task == ProjectSettings.TextTask;
        messages[^1] = messages[^1] with { Content = answer };
        if (!plain && messages[0].Role != ChatMessage.System && !string.IsNullOrEmpty(systemPrompt))
        {
            messages.Insert(0, new ChatMessage(ChatMessage.System, systemPrompt));
        }

        EncodedChat chat = encoder.Encode(messages);
        int tokens = chat.Ids.Count;
        if (tokens > maxTokens && !plain) // a long text is cut into pieces, once it is known on which side of the split it lies
        {
            return (null, Reject(RejectionReason.TooLong, $"{tokens} tokens where {maxTokens} are allowed (validation.maxTokens); shorten or split it"));
        }

        if (!encoder.ReadsBack(messages, chat))
        {
            return (null, Reject(RejectionReason.InvalidText, "the base's tokenizer cannot write the answer as it stands; replace its unusual characters, or choose another base"));
        }

        string key = string.Join('\0', messages.Where(m => m.Role != ChatMessage.System || m.Content != systemPrompt).SkipLast(plain ? 0 : 1).Select(m => TextCleaning.Key(m.Content)));
        key = task is ProjectSettings.InstructionTask or ProjectSettings.ChatTask ? $"{key}\0{TextCleaning.Key(answer)}" : key; // of free answers several may be right
        if (_seen.TryGetValue(key, out (string Id, string Answer) first))
        {
            return (null, first.Answer == answer || plain
                ? Reject(RejectionReason.Duplicate, $"the same text and answer as {first.Id}", first.Id)
                : Reject(RejectionReason.ConflictingLabel, $"the same text as {first.Id}, which says '{Shortened(first.Answer)}', not '{Shortened(answer)}'", first.Id));
        }

        _seen[key] = (id, answer);
        LongestTokens = Math.Max(LongestTokens, Math.Min(tokens, maxTokens));
        return (new Example { Id = id, Messages = messages, Text = encoder.Template.Render(messages), Label = book is null ? null : answer, Source = row.Place }, null);
    }

    private static string Shortened(string text) => text.Length <= 80 ? text : text[..80] + "…";
}
