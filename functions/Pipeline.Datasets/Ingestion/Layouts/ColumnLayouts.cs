using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>A column of texts, one of labels or answers.</summary>
internal sealed class TextAndLabel(ColumnReading columns) : RowLayout
{
    public override string Name => DatasetManifest.TextAndLabel;
    public override ColumnReading Columns => columns;
    public override TaskKind Task => TaskKind.Classification;
    public override IReadOnlyList<TaskKind> OtherTasks =>
        [TaskKind.Extraction, TaskKind.Deidentification, TaskKind.Instruction, TaskKind.Chat];
    public override bool HasAccidents => true;

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string text = row.Fields.GetValueOrDefault(columns.Text, "");
        string label = row.Fields.GetValueOrDefault(columns.Label, "");
        return string.IsNullOrWhiteSpace(text)
                ? RowContent.Refused(RejectionReason.MissingText, $"column '{columns.Text}' is empty")
            : string.IsNullOrWhiteSpace(label)
                ? RowContent.Refused(RejectionReason.MissingLabel, $"column '{columns.Label}' is empty")
            : RowContent.Pair(text, label);
    }
}

/// <summary>A column of plain texts.</summary>
internal sealed class TextAlone(ColumnReading columns) : RowLayout
{
    public override string Name => "text";
    public override ColumnReading Columns => columns;
    public override TaskKind Task => TaskKind.Text;
    public override bool HasAccidents => true;

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string text = row.Fields.GetValueOrDefault(columns.Text, "");
        return string.IsNullOrWhiteSpace(text)
            ? RowContent.Refused(RejectionReason.MissingText, $"column '{columns.Text}' is empty")
            : new RowContent { Messages = [new ChatMessage(ChatMessage.Document, text)] };
    }
}

/// <summary>
/// Alpaca: <c>instruction</c>, <c>input</c> (may be empty), <c>output</c>; <c>system</c> where there is one. Source:
/// stanford_alpaca, <c>README.md</c>.
/// </summary>
internal sealed class Alpaca(string output) : RowLayout
{
    public const string Instruction = "instruction";
    public const string Input = "input";
    public const string System = "system";

    public override string Name => "alpaca";
    public override ColumnReading Columns => new(Instruction, output, true);
    public override TaskKind Task => TaskKind.Instruction;
    public override IReadOnlyList<TaskKind> OtherTasks =>
        [TaskKind.Chat, TaskKind.Extraction, TaskKind.Deidentification];

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string Field(string name) => row.Fields.GetValueOrDefault(name, "").Trim();
        string question = Field(Input).Length == 0 ? Field(Instruction) : $"{Field(Instruction)}\n\n{Field(Input)}";
        if (question.Length == 0)
        {
            return RowContent.Refused(RejectionReason.MissingText, "column 'instruction' is empty");
        }

        if (Field(output).Length == 0)
        {
            return RowContent.Refused(RejectionReason.MissingLabel, $"column '{output}' is empty");
        }

        RowContent pair = RowContent.Pair(question, Field(output));
        return Field(System).Length == 0
            ? pair
            : pair with
            {
                Messages = [new ChatMessage(ChatMessage.System, Field(System)), .. pair.Messages],
            };
    }
}

/// <summary>
/// One text with everything in it, in Llama-2's form: <c>&lt;s&gt;[INST] question [/INST] answer &lt;/s&gt;</c>.
/// </summary>
internal sealed partial class RenderedLlama2(string column) : RowLayout
{
    public override string Name => "Llama-2 text";
    public override ColumnReading Columns => new(column, column, true);
    public override TaskKind Task => TaskKind.Chat;
    public override IReadOnlyList<TaskKind> OtherTasks => [TaskKind.Instruction];

    /// <summary>Whether a text is of this form.</summary>
    public static bool IsRendered(string text) => Turn().IsMatch(text);

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string text = row.Fields.GetValueOrDefault(column, "");
        var messages = new List<ChatMessage>();
        foreach (Match turn in Turn().Matches(text))
        {
            string question = turn.Groups["user"].Value;
            if (messages.Count == 0 && System().Match(question) is { Success: true } system)
            {
                messages.Add(new ChatMessage(ChatMessage.System, system.Groups["system"].Value.Trim()));
                question = question[system.Length..];
            }

            messages.Add(new ChatMessage(ChatMessage.User, question.Trim()));
            messages.Add(new ChatMessage(ChatMessage.Assistant, turn.Groups["answer"].Value.Trim()));
        }

        return messages.Count == 0
            ? RowContent.Refused(RejectionReason.Malformed, $"column '{column}' has no [INST] question [/INST] answer")
            : Dialogue.Check(messages);
    }

    [GeneratedRegex(@"\[INST\](?<user>.*?)\[/INST\](?<answer>.*?)(?=</s>|<s>|\[INST\]|\z)", RegexOptions.Singleline)]
    private static partial Regex Turn();

    [GeneratedRegex(@"\A\s*<<SYS>>(?<system>.*?)<</SYS>>", RegexOptions.Singleline)]
    private static partial Regex System();
}
