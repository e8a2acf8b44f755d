using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// A question and an answer, each a text or a list of messages, also within an object of one value, as LangSmith's
/// <c>inputs</c> and <c>outputs</c> are. Source: TRL, <c>dataset_formats</c> (prompt-completion).
/// </summary>
/// <param name="prompt">The column of questions.</param>
/// <param name="completion">The column of answers.</param>
/// <param name="context">The column of what the question is about; <c>null</c>: none.</param>
internal sealed class PromptCompletion(string prompt, string completion, string? context) : RowLayout
{
    public override string Name => "prompt and completion";
    public override ColumnReading Columns => new(prompt, completion, true);
    public override TaskKind Task => TaskKind.Instruction;
    public override IReadOnlyList<TaskKind> OtherTasks =>
        [TaskKind.Chat, TaskKind.Extraction, TaskKind.Deidentification];
    public override bool TakesAlsoText => true;
    public override IReadOnlyList<string> Used =>
        [prompt, completion, "system", Messages.Tools, .. context is null ? (string[])[] : [context]];

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        (string about, RowContent? noContext) =
            context is null || row[context].Text.Trim().Length == 0
                ? ("", null)
                : TextValue.Read(row[context], context, RejectionReason.MissingText);
        (List<ChatMessage> question, RowContent? noQuestion) = Side(prompt, MessageRole.User);
        (List<ChatMessage> answer, RowContent? noAnswer) = Side(completion, MessageRole.Assistant);
        if (about.Length > 0 && question.Count > 0)
        {
            question[^1] = question[^1] with { Content = $"{question[^1].Content}\n\n{about.Trim()}" };
        }

        return noContext
            ?? noQuestion
            ?? noAnswer
            ?? Dialogue.Check(Messages.WithSystem(row, [.. question, .. answer]));

        (List<ChatMessage> Messages, RowContent? Refusal) Side(string column, MessageRole role)
        {
            Cell cell = Opened(row[column], column);
            if (
                Dialogue.IsDialogue(cell.Text)
                || (cell.Kind == CellKind.Structure && Dialogue.IsDialogue($"[{cell.Text}]"))
            )
            {
                return Dialogue.Read(cell.Text);
            }

            if (role == MessageRole.Assistant && task == TaskKind.Extraction && cell.Kind == CellKind.Structure)
            {
                return ([new ChatMessage(role, cell.Text)], null);
            }

            (string text, RowContent? refusal) = TextValue.Read(
                cell,
                column,
                role == MessageRole.User ? RejectionReason.MissingText : RejectionReason.MissingLabel
            );
            return refusal is null ? ([new ChatMessage(role, text.Trim())], null) : ([], refusal);
        }
    }

    /// <summary>
    /// A cell of a column that holds objects, which in a CSV file is their JSON; the one value of an object of one
    /// where that is a dialogue.
    /// </summary>
    private static Cell Opened(Cell cell, string column)
    {
        bool holdsObjects = column is "inputs" or "outputs" or "targets";
        if (!holdsObjects || cell.Text.TrimStart() is not ['{', ..])
        {
            return cell;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(cell.Text);
            Cell whole = CellPath.Read(document.RootElement);
            return
                document.RootElement.EnumerateObject().Take(2).ToList() is [{ Value: var only }]
                && only.ValueKind is JsonValueKind.Array or JsonValueKind.Object
                && Dialogue.IsDialogue(
                    only.ValueKind == JsonValueKind.Array ? only.GetRawText() : $"[{only.GetRawText()}]"
                )
                ? CellPath.Read(only)
                : whole;
        }
        catch (JsonException)
        {
            return cell; // a text that begins with a bracket
        }
    }
}

/// <summary>
/// Prodigy's verdicts: a row is learned only where <c>answer</c> is <c>accept</c>. Source:
/// prodi.gy/docs/api-interfaces.
/// </summary>
internal sealed class AnnotatorVerdict(RowLayout inner, string column) : RowLayout
{
    public const string Column = "answer";
    private const string Accept = "accept";

    public override string Name => $"{inner.Name} with the annotator's verdict";
    public override ColumnReading Columns => inner.Columns;
    public override TaskKind Task => inner.Task;
    public override IReadOnlyList<TaskKind> OtherTasks => inner.OtherTasks;
    public override bool HasAccidents => inner.HasAccidents;
    public override string? TaskReason => inner.TaskReason;
    public override bool TakesAlsoText => inner.TakesAlsoText;
    public override IReadOnlyList<string> Used => [.. inner.Used, column];

    /// <summary>Whether a value is a verdict.</summary>
    private static bool IsVerdict(string value) => value is Accept or "reject" or "ignore";

    /// <summary>The column of verdicts; <c>null</c>: there is none.</summary>
    public static string? ColumnOf(List<RawRow> sample)
    {
        string[] values = [.. sample.Select(r => r.Fields.GetValueOrDefault(Column, "")).Where(v => v.Length > 0)];
        return values.Length > 0 && values.All(IsVerdict) ? Column : null;
    }

    public override string? LabelOf(RawRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row[column].Text == Accept ? inner.LabelOf(row) : null;
    }

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        string verdict = row[column].Text;
        return verdict == Accept
            ? inner.Map(row, task)
            : RowContent.Refused(
                RejectionReason.Disapproved,
                verdict.Length == 0
                    ? $"column '{column}' holds no verdict"
                    : $"column '{column}' says '{verdict}': the annotator did not accept this row"
            );
    }
}

/// <summary>
/// Label Studio's JSON export: the text under <c>data</c>, choices or spans under <c>annotations[].result[]</c>;
/// cancelled annotations are left out. Source: labelstud.io/guide/export.
/// </summary>
internal sealed class LabelStudio(bool hasSpans) : RowLayout
{
    private const string Data = "data";
    private const string Annotations = "annotations";

    public override string Name => "Label Studio export";
    public override ColumnReading Columns => new(Data, Annotations, true);
    public override TaskKind Task => hasSpans ? TaskKind.Extraction : TaskKind.Classification;
    public override IReadOnlyList<TaskKind> OtherTasks => hasSpans ? [TaskKind.Deidentification] : [];

    /// <summary>Whether rows are of this form, and whether they have spans.</summary>
    public static (bool IsExport, bool HasSpans) Recognize(IReadOnlyList<RawRow> rows)
    {
        List<RawRow> tasks =
        [
            .. rows.Where(r => r[Data].Kind == CellKind.Structure && r[Annotations].Kind == CellKind.List),
        ];
        bool Has(string key) =>
            tasks.Exists(r => r.Fields[Annotations].Contains($"\"{key}\"", StringComparison.Ordinal));
        bool isExport = tasks.Count * 2 > rows.Count && Has("result");
        return (isExport, isExport && Has("labels"));
    }

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        try
        {
            return Read(row, task);
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return RowContent.Refused(RejectionReason.Malformed, $"not a task of Label Studio: {fault.Message}");
        }
    }

    private RowContent Read(RawRow row, TaskKind task)
    {
        if (TextOf(row) is not { } text)
        {
            return RowContent.Refused(RejectionReason.MissingText, "'data' holds no text");
        }

        using JsonDocument annotations = JsonDocument.Parse(row.Fields[Annotations]);
        JsonElement[] kept =
        [
            .. annotations
                .RootElement.EnumerateArray()
                .Where(a =>
                    !(a.TryGetProperty("was_cancelled", out JsonElement off) && off.ValueKind == JsonValueKind.True)
                ),
        ];
        if (kept.Length == 0)
        {
            return annotations.RootElement.GetArrayLength() > 0
                ? RowContent.Refused(RejectionReason.Disapproved, "every annotation was cancelled")
                : RowContent.Refused(RejectionReason.MissingLabel, "the row has no annotation");
        }

        JsonElement[] values =
        [
            .. kept[0].TryGetProperty("result", out JsonElement result) && result.ValueKind == JsonValueKind.Array
                ? result
                    .EnumerateArray()
                    .Where(r => r.TryGetProperty("value", out _))
                    .Select(r => r.GetProperty("value"))
                : [],
        ];
        return hasSpans ? Spans(text, values, task) : Choice(text, values);
    }

    private static string? TextOf(RawRow row)
    {
        Cell named = row[Data + ".text"];
        if (named.Kind == CellKind.Text && named.Text.Trim().Length > 0)
        {
            return named.Text;
        }

        using JsonDocument data = JsonDocument.Parse(row.Fields[Data]);
        return data
            .RootElement.EnumerateObject()
            .Where(p => p.Value.ValueKind == JsonValueKind.String)
            .Select(p => p.Value.GetString()!)
            .Where(t => t.Trim().Length > 0)
            .MaxBy(t => t.Length);
    }

    private static RowContent Choice(string text, JsonElement[] values)
    {
        string[] choices =
        [
            .. values
                .Where(v => v.TryGetProperty("choices", out JsonElement c) && c.ValueKind == JsonValueKind.Array)
                .SelectMany(v => v.GetProperty("choices").EnumerateArray())
                .Select(c => c.ToString()),
        ];
        return choices switch
        {
            [] => RowContent.Refused(RejectionReason.MissingLabel, "the annotation has no choice"),
            [var one] => RowContent.Pair(text, one),
            _ => RowContent.Refused(
                RejectionReason.SeveralLabels,
                $"the annotation has {choices.Length} choices, {string.Join(", ", choices)}; one a row is learned"
            ),
        };
    }

    private static RowContent Spans(string text, JsonElement[] values, TaskKind task)
    {
        string json = "[" + string.Join(',', values.Select(v => v.GetRawText())) + "]";
        return SpanAnnotations.ContentFrom(text, json, task);
    }
}
