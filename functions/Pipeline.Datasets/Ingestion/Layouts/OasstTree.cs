using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// Trees of Open Assistant: a prompt with replies to replies. One dialogue of each is learned, of the replies ranked
/// best; deleted ones and those that failed their review are left out. Source: LAION-AI/Open-Assistant,
/// <c>oasst-data</c>.
/// </summary>
internal sealed class OasstTree : RowLayout
{
    private const string Prompt = "prompt";
    private const string Replies = "replies";

    public override string Name => "Open Assistant trees (the best replies)";
    public override ColumnReading Columns => new(Prompt, Prompt, true);
    public override TaskKind Task => TaskKind.Chat;
    public override IReadOnlyList<TaskKind> OtherTasks => [TaskKind.Instruction];
    public override IReadOnlyList<string> Used => [Prompt];

    /// <summary>Whether rows are such trees.</summary>
    /// <exception cref="DatasetException">They are the single messages of such trees.</exception>
    public static bool Recognize(List<RawRow> sample)
    {
        if (sample.Count > 0 && sample.TrueForAll(r => r.Fields.ContainsKey("message_tree_id") && IsMessage(r)))
        {
            throw new DatasetException(
                DatasetFaultCode.NoColumn,
                "These are single messages of Open Assistant, whose dialogues go over many rows. Give the file of "
                    + "trees "
                    + "(…_ready.trees.jsonl), which has a dialogue in each row."
            );
        }

        return sample.Count(r =>
                r[Prompt].Kind == CellKind.Structure
                && r[Prompt].Text.Contains($"\"{Replies}\"", StringComparison.Ordinal)
            ) * 2
            > sample.Count;
    }

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        try
        {
            using JsonDocument document = JsonDocument.Parse(row.Fields.GetValueOrDefault(Prompt, ""));
            List<ChatMessage> messages = [];
            for (JsonElement? message = document.RootElement; message is { } current; message = Best(current))
            {
                if (IsLeftOut(current))
                {
                    break;
                }

                MessageRole role = current.GetProperty("role").GetString() is "prompter" or "user"
                    ? MessageRole.User
                    : MessageRole.Assistant;
                messages.Add(new ChatMessage(role, current.GetProperty("text").GetString()!));
            }

            int last = messages.FindLastIndex(m => m.Role == MessageRole.Assistant);
            return Dialogue.Check([.. messages.Take(last + 1)]);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return RowContent.Refused(RejectionReason.Malformed, $"not a tree of Open Assistant: {fault.Message}");
        }
    }

    private static bool IsMessage(RawRow row) =>
        row.Fields.ContainsKey("message_id") && row.Fields.ContainsKey("parent_id") && row.Fields.ContainsKey("role");

    private static bool IsLeftOut(JsonElement message) =>
        (message.TryGetProperty("deleted", out JsonElement deleted) && deleted.ValueKind == JsonValueKind.True)
        || (message.TryGetProperty("review_result", out JsonElement review) && review.ValueKind == JsonValueKind.False);

    /// <summary>The reply ranked best, 0 first; of those without a rank the first.</summary>
    private static JsonElement? Best(JsonElement message) =>
        !message.TryGetProperty(Replies, out JsonElement replies) || replies.ValueKind != JsonValueKind.Array
            ? null
            : replies
                .EnumerateArray()
                .Where(r => !IsLeftOut(r))
                .OrderBy(r =>
                    r.TryGetProperty("rank", out JsonElement rank) && rank.TryGetNumber(out int n) ? n : int.MaxValue
                )
                .Cast<JsonElement?>()
                .FirstOrDefault();
}
