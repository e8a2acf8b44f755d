using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// A column with a list of messages; <c>system</c> and <c>tools</c> beside it go into the system text.
/// </summary>
internal sealed class Messages(string column, bool shareGpt) : RowLayout
{
    /// <summary>The column of the functions that can be called.</summary>
    public const string Tools = "tools";

    public override string Name => shareGpt ? "ShareGPT" : "messages";
    public override IReadOnlyList<string> Used => [column, "system", Tools];
    public override ColumnReading Columns => new(column, column, true);
    public override TaskKind Task => TaskKind.Chat;
    public override IReadOnlyList<TaskKind> OtherTasks =>
        [TaskKind.Instruction, TaskKind.Extraction, TaskKind.Deidentification];

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        (List<ChatMessage> messages, RowContent? refusal) = Dialogue.Read(row.Fields.GetValueOrDefault(column, ""));
        return refusal ?? Dialogue.Check(WithSystem(row, messages));
    }

    /// <summary>Puts the row's own system text and its functions first.</summary>
    public static List<ChatMessage> WithSystem(RawRow row, List<ChatMessage> messages)
    {
        string system = row.Fields.GetValueOrDefault("system", "").Trim();
        string tools = row.Fields.GetValueOrDefault(Tools, "").Trim();
        string text = string.Join(
            "\n\n",
            ((string[])[system, tools is "" or "[]" ? "" : $"Functions that can be called:\n{tools}"]).Where(t =>
                t.Length > 0
            )
        );
        return text.Length == 0 ? messages : [new ChatMessage(MessageRole.System, text), .. messages];
    }
}

/// <summary>
/// Preference pairs: the chosen answer is learned, the rejected one is not used. Source: TRL, <c>dataset_formats</c>.
/// </summary>
internal sealed class Preferences(string? prompt) : RowLayout
{
    public const string Chosen = "chosen";
    public const string Rejected = "rejected";

    public override string Name => "preference pairs (the chosen answers)";
    public override IReadOnlyList<string> Used => [prompt ?? Chosen, Chosen, Rejected, "system", Messages.Tools];
    public override ColumnReading Columns => new(prompt ?? Chosen, Chosen, true);
    public override TaskKind Task => TaskKind.Chat;
    public override IReadOnlyList<TaskKind> OtherTasks => [TaskKind.Instruction];

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string chosen = row.Fields.GetValueOrDefault(Chosen, "");
        (List<ChatMessage> before, RowContent? refusal) = prompt is null
            ? ([], null)
            : Side(row.Fields.GetValueOrDefault(prompt, ""), MessageRole.User);
        (List<ChatMessage> answer, RowContent? wrong) = Side(chosen, MessageRole.Assistant);
        bool whole = answer.Count > before.Count && answer.Take(before.Count).SequenceEqual(before) && before.Count > 0;
        return refusal ?? wrong ?? Dialogue.Check(Messages.WithSystem(row, whole ? answer : [.. before, .. answer]));
    }

    /// <summary>A text is one message, JSON is a message or a list of them.</summary>
    private static (List<ChatMessage> Messages, RowContent? Refusal) Side(string value, MessageRole role) =>
        value.TrimStart() is ['{' or '[', ..] json && (Dialogue.IsDialogue(json) || Dialogue.IsDialogue($"[{json}]"))
            ? Dialogue.Read(json)
        : value.Trim().Length == 0 ? ([], null)
        : ([new ChatMessage(role, value)], null);
}

/// <summary>
/// Thumbs: answers with a verdict; the good ones are learned. Source: TRL, <c>dataset_formats</c> (unpaired preference,
/// KTO).
/// </summary>
internal sealed class Thumbs(string prompt, string? completion, string verdict) : RowLayout
{
    public override string Name => "thumbs (the approved answers)";
    public override IReadOnlyList<string> Used => [prompt, completion ?? prompt, verdict, "system", Messages.Tools];
    public override ColumnReading Columns => new(prompt, completion ?? prompt, true);
    public override TaskKind Task => TaskKind.Chat;
    public override IReadOnlyList<TaskKind> OtherTasks => [TaskKind.Instruction];

    /// <summary>Whether a value is a thumb.</summary>
    public static bool? Verdict(string value) =>
        value.Trim().ToLowerInvariant() switch
        {
            "true" or "1" or "up" or "good" or "+1" or "desirable" => true,
            "false" or "0" or "-1" or "down" or "bad" or "undesirable" => false,
            _ => null,
        };

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        switch (Verdict(row.Fields.GetValueOrDefault(verdict, "")))
        {
            case null:
                return RowContent.Refused(RejectionReason.MissingLabel, $"column '{verdict}' holds no thumb");
            case false:
                return RowContent.Refused(
                    RejectionReason.Disapproved,
                    $"column '{verdict}' says that this answer is not to be learned"
                );
            default:
                (List<ChatMessage> messages, RowContent? refusal) = Dialogue.IsDialogue(
                    row.Fields.GetValueOrDefault(prompt, "")
                )
                    ? Dialogue.Read(row.Fields[prompt])
                    : ([new ChatMessage(MessageRole.User, row.Fields.GetValueOrDefault(prompt, ""))], null);
                if (completion is not null)
                {
                    string answer = row.Fields.GetValueOrDefault(completion, "");
                    (List<ChatMessage> answers, RowContent? wrong) = Dialogue.IsDialogue(answer)
                        ? Dialogue.Read(answer)
                        : ([new ChatMessage(MessageRole.Assistant, answer)], null);
                    (messages, refusal) = ([.. messages, .. answers], refusal ?? wrong);
                }

                return refusal ?? Dialogue.Check(Messages.WithSystem(row, messages));
        }
    }
}
