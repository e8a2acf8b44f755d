using System.Buffers;
using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>A column of texts, one of labels or answers.</summary>
/// <param name="columns">The columns, or paths to values within them.</param>
/// <param name="declared">Labels and aliases that project.yaml declares; <c>null</c>: none.</param>
internal sealed class TextAndLabel(ColumnReading columns, IReadOnlyList<LabelDefinition>? declared = null) : RowLayout
{
    private readonly HashSet<string> _declared = new(
        (declared ?? []).SelectMany(d => d.Aliases.Prepend(d.Name)),
        StringComparer.OrdinalIgnoreCase
    );

    /// <summary>Further columns of the question.</summary>
    public IReadOnlyList<string> AlsoText { get; init; } = [];

    /// <summary>Whether the answers are free texts, not classes.</summary>
    public bool HasFreeAnswers { get; init; }

    /// <summary>Why they are one or the other, in words.</summary>
    public string? Reason { get; init; }

    public override string Name => DatasetManifest.TextAndLabel;
    public override ColumnReading Columns => columns;
    public override TaskKind Task => HasFreeAnswers ? TaskKind.Instruction : TaskKind.Classification;
    public override string? TaskReason => Reason;
    public override bool TakesAlsoText => true;
    public override IReadOnlyList<string> Used => [columns.Text, columns.Label, .. AlsoText];
    public override IReadOnlyList<TaskKind> OtherTasks =>
        [TaskKind.Classification, TaskKind.Extraction, TaskKind.Deidentification, TaskKind.Instruction, TaskKind.Chat];
    public override bool HasAccidents => true;

    public override string? LabelOf(RawRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        (string spelling, RowContent? refusal) = LabelValue.Read(row[columns.Label], columns.Label, _declared.Contains);
        return refusal is null ? spelling : null;
    }

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        (string text, RowContent? noText) = Question(row);
        if (noText is not null)
        {
            return noText;
        }

        (string answer, RowContent? noAnswer) = task switch
        {
            TaskKind.Classification => LabelValue.Read(row[columns.Label], columns.Label, _declared.Contains),
            TaskKind.Extraction when row[columns.Label] is { Kind: CellKind.Structure, Text: var json } => (json, null),
            _ => TextValue.Read(row[columns.Label], columns.Label, RejectionReason.MissingLabel),
        };
        return noAnswer ?? RowContent.Pair(text, answer);
    }

    /// <summary>The text; with further columns each under its name, those that are empty left out.</summary>
    private (string Text, RowContent? Refusal) Question(RawRow row)
    {
        (string text, RowContent? refusal) = TextValue.Read(
            row[columns.Text],
            columns.Text,
            RejectionReason.MissingText
        );
        if (refusal is not null || AlsoText.Count == 0)
        {
            return (text, refusal);
        }

        List<string> parts = [$"{columns.Text}: {text}"];
        foreach (string column in AlsoText)
        {
            (string further, RowContent? unreadable) = TextValue.Read(row[column], column, RejectionReason.MissingText);
            if (unreadable is { Reason: not RejectionReason.MissingText })
            {
                return ("", unreadable);
            }

            if (unreadable is null)
            {
                parts.Add($"{column}: {further}");
            }
        }

        return (string.Join("\n\n", parts), null);
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
            : new RowContent { Messages = [new ChatMessage(MessageRole.Document, text)] };
    }
}

/// <summary>
/// Alpaca: <c>instruction</c>, <c>input</c> (may be empty), <c>output</c>; <c>system</c> and <c>history</c>, a list of
/// pairs of question and answer, where there are some. Dolly's <c>context</c> is the <c>input</c> under another name.
/// Sources: stanford_alpaca, <c>README.md</c>; LLaMA-Factory, <c>data/README.md</c>; databricks-dolly-15k.
/// </summary>
/// <param name="output">The column of answers.</param>
/// <param name="input">The column of what the instruction is about; <c>null</c>: none.</param>
internal sealed class Alpaca(string output, string? input) : RowLayout
{
    public const string Instruction = "instruction";
    public const string System = "system";
    private const string History = "history";

    /// <summary>Names of the column of what the instruction is about.</summary>
    public static IReadOnlyList<string> Inputs { get; } = ["input", "context"];

    public override string Name => "alpaca";
    public override ColumnReading Columns => new(Instruction, output, true);
    public override TaskKind Task => TaskKind.Instruction;
    public override IReadOnlyList<TaskKind> OtherTasks =>
        [TaskKind.Chat, TaskKind.Extraction, TaskKind.Deidentification];
    public override IReadOnlyList<string> Used =>
        [Instruction, output, System, History, .. input is null ? (string[])[] : [input]];

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string Field(string name) => row.Fields.GetValueOrDefault(name, "").Trim();
        string about = input is null ? "" : Field(input);
        string question = about.Length == 0 ? Field(Instruction) : $"{Field(Instruction)}\n\n{about}";
        if (question.Length == 0)
        {
            return RowContent.Refused(RejectionReason.MissingText, "column 'instruction' is empty");
        }

        (string answer, RowContent? noAnswer) =
            row[output] is { Kind: CellKind.Structure, Text: var json } && task == TaskKind.Extraction
                ? (json, null)
                : TextValue.Read(row[output], output, RejectionReason.MissingLabel);
        if (noAnswer is not null)
        {
            return noAnswer;
        }

        (List<ChatMessage> before, RowContent? fault) = Dialogue.Pairs(row[History], History);
        if (fault is not null)
        {
            return fault;
        }

        RowContent pair = RowContent.Pair(question, answer.Trim());
        List<ChatMessage> system =
            Field(System).Length == 0 ? [] : [new ChatMessage(MessageRole.System, Field(System))];
        return pair with { Messages = [.. system, .. before, .. pair.Messages] };
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
    public static bool IsRendered(string text) => Turns(text).Any();

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string text = row.Fields.GetValueOrDefault(column, "");
        var messages = new List<ChatMessage>();
        foreach ((string asking, string answer) in Turns(text))
        {
            string question = asking;
            if (messages.Count == 0 && System().Match(question) is { Success: true } system)
            {
                messages.Add(new ChatMessage(MessageRole.System, system.Groups["system"].Value.Trim()));
                question = question[system.Length..];
            }

            messages.Add(new ChatMessage(MessageRole.User, question.Trim()));
            messages.Add(new ChatMessage(MessageRole.Assistant, answer.Trim()));
        }

        return messages.Count == 0
            ? RowContent.Refused(RejectionReason.Malformed, $"column '{column}' has no [INST] question [/INST] answer")
            : Dialogue.Check(messages);
    }

    /// <summary>
    /// What stands between <c>[INST]</c> and <c>[/INST]</c>, and what follows up to the end of the turn. Each part of
    /// the text is looked at once: an expression would search for the end from every beginning.
    /// </summary>
    private static IEnumerable<(string User, string Answer)> Turns(string text)
    {
        for (int at = 0; ; )
        {
            int begin = text.IndexOf(Begin, at, StringComparison.Ordinal);
            int end = begin < 0 ? -1 : text.IndexOf(End, begin, StringComparison.Ordinal);
            if (end < 0)
            {
                yield break;
            }

            int answer = end + End.Length;
            int length = text.AsSpan(answer).IndexOfAny(TurnEnds);
            at = length < 0 ? text.Length : answer + length;
            yield return (text[(begin + Begin.Length)..end], text[answer..at]);
        }
    }

    private const string Begin = "[INST]";
    private const string End = "[/INST]";
    private static readonly SearchValues<string> TurnEnds = SearchValues.Create(
        ["</s>", "<s>", Begin],
        StringComparison.Ordinal
    );

    [GeneratedRegex(@"\A\s*<<SYS>>(?<system>.*?)<</SYS>>", RegexOptions.Singleline)]
    private static partial Regex System();
}
