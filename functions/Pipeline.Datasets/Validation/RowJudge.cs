using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;

namespace Pipeline.Datasets.Validation;

/// <summary>
/// Decides how each row ends: accepted, rejected with a reason, or duplicate. Rows are judged in order; the first of two
/// equal ones stays, so the test set is judged before the rows to learn from.
/// </summary>
internal sealed class RowJudge(LabelBook? book, ColumnReading columns, string? systemPrompt, ChatEncoder encoder, int maxTokens)
{
    private readonly Dictionary<string, (string Id, string Answer)> _seen = new(StringComparer.Ordinal);

    /// <summary>Tokens of the longest accepted example.</summary>
    public int LongestTokens { get; private set; }

    public (Example? Accepted, RejectedRow? Rejected) Judge(RawRow row)
    {
        string id = $"{row.Place.File}#{row.Place.Row}";
        RejectedRow Reject(string reason, string detail, string? of = null) => new(
            id, reason == RejectionReason.Duplicate ? RejectedRow.Duplicate : RejectedRow.Rejected, reason, detail, of, row.Place, row.Fields);

        if (row.Fault is not null)
        {
            return (null, Reject(RejectionReason.Malformed, row.Fault));
        }

        bool plain = encoder.Template is PlainTextTemplate;
        string text = TextCleaning.Clean(row.Fields.GetValueOrDefault(columns.Text, ""));
        string spelling = plain ? "" : TextCleaning.Clean(row.Fields.GetValueOrDefault(columns.Label, ""));
        if (text.Length == 0)
        {
            return (null, Reject(RejectionReason.MissingText, $"column '{columns.Text}' is empty"));
        }

        if (text.Contains('\uFFFD', StringComparison.Ordinal))
        {
            return (null, Reject(RejectionReason.InvalidText, "holds bytes that are not UTF-8; save the file as UTF-8"));
        }

        if (spelling.Length == 0 && !plain)
        {
            return (null, Reject(RejectionReason.MissingLabel, $"column '{columns.Label}' is empty"));
        }

        string? answer = book is null ? spelling : book.Resolve(spelling);
        if (answer is null)
        {
            return (null, Reject(RejectionReason.UnknownLabel, book!.Explain(spelling)));
        }

        List<ChatMessage> messages = plain ? [new ChatMessage(ChatMessage.Document, text)] : Messages(systemPrompt, text, answer);
        int tokens = encoder.Encode(messages).Ids.Count;
        if (tokens > maxTokens && !plain) // a long text is cut into pieces, once it is known on which side of the split it lies
        {
            return (null, Reject(RejectionReason.TooLong, $"{tokens} tokens where {maxTokens} are allowed (validation.maxTokens); shorten or split it"));
        }

        string key = TextCleaning.Key(text);
        if (_seen.TryGetValue(key, out (string Id, string Answer) first))
        {
            return (null, first.Answer == answer
                ? Reject(RejectionReason.Duplicate, $"the same text and answer as {first.Id}", first.Id)
                : Reject(RejectionReason.ConflictingLabel, $"the same text as {first.Id}, which says '{first.Answer}', not '{answer}'", first.Id));
        }

        _seen[key] = (id, answer);
        LongestTokens = Math.Max(LongestTokens, Math.Min(tokens, maxTokens));
        return (new Example { Id = id, Messages = messages, Text = encoder.Template.Render(messages), Label = book is null ? null : answer, Source = row.Place }, null);
    }

    private static List<ChatMessage> Messages(string? system, string text, string answer)
    {
        var messages = new List<ChatMessage>();
        if (!string.IsNullOrEmpty(system))
        {
            messages.Add(new ChatMessage(ChatMessage.System, system));
        }

        messages.Add(new ChatMessage(ChatMessage.User, text));
        messages.Add(new ChatMessage(ChatMessage.Assistant, answer));
        return messages;
    }
}
