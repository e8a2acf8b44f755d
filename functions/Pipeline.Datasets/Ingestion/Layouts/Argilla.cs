using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// Argilla's exports: records of version 2 (<c>fields</c>, <c>responses</c>), the same as columns
/// (<c>label.responses</c>, <c>label.responses.status</c>), questions of version 1's FeedbackDataset (a list of
/// <c>value</c> and <c>status</c>) and its older records (<c>annotation</c>, <c>prediction</c>). What annotators have
/// submitted is learned; suggestions and predictions, drafts and discarded responses are not. Source:
/// argilla-io/argilla, <c>records/_io</c>.
/// </summary>
internal sealed class Argilla : RowLayout
{
    private const string Responses = ".responses";
    private const string Submitted = "submitted";
    private readonly Func<RawRow, string> _text;
    private readonly Func<RawRow, List<(JsonElement Value, string Status)>> _answers;
    private readonly IReadOnlyList<string> _used;

    private Argilla(
        ColumnReading columns,
        Func<RawRow, string> text,
        Func<RawRow, List<(JsonElement Value, string Status)>> answers,
        IReadOnlyList<string> used,
        List<RawRow> sample
    )
    {
        (Columns, _text, _answers, _used) = (columns, text, answers, used);
        JsonElement[] values =
        [
            .. sample
                .SelectMany(r => Try(() => answers(r)) ?? [])
                .Where(a => a.Status == Submitted)
                .Select(a => a.Value),
        ];
        string[] texts = [.. values.Where(v => v.ValueKind == JsonValueKind.String).Select(v => v.GetString()!)];
        Task =
            Array.Exists(values, v => SpanAnnotations.AreSpans(v.GetRawText()) is true) ? TaskKind.Extraction
            : FreeAnswers.AreIn(texts) ? TaskKind.Instruction
            : TaskKind.Classification;
    }

    public override string Name => "Argilla export";
    public override ColumnReading Columns { get; }
    public override TaskKind Task { get; }
    public override IReadOnlyList<TaskKind> OtherTasks =>
        Task == TaskKind.Extraction ? [TaskKind.Deidentification] : [TaskKind.Instruction, TaskKind.Classification];
    public override IReadOnlyList<string> Used => _used;

    /// <summary>Whether a column's name is that of a question's responses.</summary>
    public static bool IsResponse(string? column) => column?.EndsWith(Responses, StringComparison.Ordinal) == true;

    /// <summary>The layout of such an export; <c>null</c>: the rows are none.</summary>
    /// <param name="sample">Rows without a fault.</param>
    /// <param name="label">The question to learn where there are several: columns.label of project.yaml.</param>
    /// <exception cref="DatasetException">There are several questions, and no name tells which to learn.</exception>
    public static Argilla? Recognize(List<RawRow> sample, string? label)
    {
        HashSet<string> columns = sample.SelectMany(r => r.Fields.Keys).ToHashSet(StringComparer.Ordinal);
        bool Most(Func<RawRow, bool> holds) => sample.Count > 0 && sample.Count(holds) * 2 > sample.Count;
        if (Most(r => r["fields"].Kind == CellKind.Structure && r["responses"].Kind is CellKind.Structure))
        {
            string question = Question(sample.SelectMany(r => Names(r["responses"].Text)), label);
            return new Argilla(
                new ColumnReading("fields", $"responses.{question}", true),
                r => Fields(r["fields"].Text),
                r => Objects(r[$"responses.{question}"]),
                ["fields", "responses", "status", "suggestions"],
                sample
            );
        }

        string[] questions = [.. columns.Where(IsResponse).Where(c => columns.Contains(c + ".status"))];
        if (questions.Length > 0)
        {
            string question = Question(questions, label);
            string text = TextColumn(sample, columns, questions);
            return new Argilla(
                new ColumnReading(text, question, true),
                r => r[text].Text,
                r => Lists(r[question], r[question + ".status"]),
                [
                    text,
                    .. columns.Where(c =>
                        c == "status" || c.StartsWith(question[..^Responses.Length] + ".", StringComparison.Ordinal)
                    ),
                ],
                sample
            );
        }

        string[] feedback = [.. columns.Where(c => Most(r => AreResponses(r[c])))];
        if (feedback.Length > 0)
        {
            string question = Question(feedback, label);
            string text = TextColumn(sample, columns, feedback);
            return new Argilla(
                new ColumnReading(text, question, true),
                r => r[text].Text,
                r => Objects(r[question]),
                [text, question, question + "-suggestion", question + "-suggestion-metadata"],
                sample
            );
        }

        return columns.Contains("annotation") && columns.Contains("prediction") && columns.Contains("status")
            ? new Argilla(
                new ColumnReading("text", "annotation", true),
                r => r["text"].Text.Length > 0 ? r["text"].Text : Fields(r["inputs"].Text),
                r => Older(r["annotation"], r["status"].Text),
                ["text", "inputs", "annotation", "prediction", "status"],
                sample
            )
            : null;
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
            return RowContent.Refused(RejectionReason.Malformed, $"not a record of Argilla: {fault.Message}");
        }
    }

    private RowContent Read(RawRow row, TaskKind task)
    {
        string text = _text(row);
        if (string.IsNullOrWhiteSpace(text))
        {
            return RowContent.Refused(RejectionReason.MissingText, $"'{Columns.Text}' holds no text");
        }

        List<(JsonElement Value, string Status)> answers = _answers(row);
        bool isDiscarded = row["status"].Text.Equals("discarded", StringComparison.OrdinalIgnoreCase);
        List<(JsonElement Value, string Status)> submitted = [.. answers.Where(a => a.Status == Submitted)];
        if (isDiscarded || (submitted.Count == 0 && answers.Exists(a => a.Status == "discarded")))
        {
            return RowContent.Refused(RejectionReason.Disapproved, "the annotator discarded this record");
        }

        string[] values = [.. submitted.Select(a => a.Value.GetRawText()).Distinct(StringComparer.Ordinal)];
        if (values.Length == 0)
        {
            return RowContent.Refused(
                RejectionReason.MissingLabel,
                "no response was submitted; suggestions, predictions and drafts are not learned"
            );
        }

        if (values.Length > 1)
        {
            return RowContent.Refused(
                RejectionReason.ConflictingLabel,
                $"the annotators disagree: {string.Join(", ", values.Take(4))}"
            );
        }

        if (SpanAnnotations.AreSpans(values[0]) is true)
        {
            return SpanAnnotations.ContentFrom(text, values[0], task);
        }

        Cell cell = CellPath.Read(submitted[0].Value);
        (string answer, RowContent? refusal) =
            task == TaskKind.Classification
                ? LabelValue.Read(cell, Columns.Label, _ => false)
                : TextValue.Read(cell, Columns.Label, RejectionReason.MissingLabel);
        return refusal ?? RowContent.Pair(text, answer);
    }

    private static List<(JsonElement Value, string Status)>? Try(Func<List<(JsonElement Value, string Status)>> read)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static string Question(IEnumerable<string> questions, string? label)
    {
        string[] names = [.. questions.Distinct(StringComparer.Ordinal)];
        string Bare(string name) => IsResponse(name) ? name[..^Responses.Length] : name;
        return label is not null
            && Array.Find(names, n => n == label || n == label + Responses || Bare(label) == n) is { } named
                ? named
            : names.Length == 1 ? names[0]
            : Array.Find(names, n => ColumnGuess.IsKnownName(Bare(n))) is { } known ? known
            : throw DatasetException.NeedingSettings(
                $"The records answer several questions: {string.Join(", ", names.Select(n => $"'{Bare(n)}'"))}. "
                    + "Which is to be learned?",
                $"columns:\n  label: {YamlText.Scalar(Bare(names[0]) + Responses)}"
            );
    }

    private static string TextColumn(List<RawRow> sample, HashSet<string> columns, string[] questions)
    {
        string[] bare = [.. questions.Select(q => IsResponse(q) ? q[..^Responses.Length] : q)];
        string[] others =
        [
            .. columns.Where(c =>
                c is not ("id" or "status" or "_server_id" or "inserted_at" or "updated_at" or "metadata")
                && !bare.Any(b =>
                    c == b
                    || c.StartsWith(b + ".", StringComparison.Ordinal)
                    || c.StartsWith(b + "-", StringComparison.Ordinal)
                )
            ),
        ];
        return others.MaxBy(c => sample.Where(r => r[c].Kind == CellKind.Text).Sum(r => (long)r[c].Text.Length))
            ?? "text";
    }

    /// <summary>The texts of an object, each under its name where there are several.</summary>
    private static string Fields(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        (string Name, string Text)[] texts =
        [
            .. document
                .RootElement.EnumerateObject()
                .Where(p => p.Value.ValueKind == JsonValueKind.String)
                .Select(p => (p.Name, p.Value.GetString()!)),
        ];
        return texts is [var one] ? one.Text : string.Join("\n\n", texts.Select(t => $"{t.Name}: {t.Text}"));
    }

    private static IEnumerable<string> Names(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return [.. document.RootElement.EnumerateObject().Select(p => p.Name)];
    }

    private static bool AreResponses(Cell cell)
    {
        if (cell.Kind != CellKind.List || !cell.Text.Contains("\"status\"", StringComparison.Ordinal))
        {
            return false;
        }

        using JsonDocument document = JsonDocument.Parse(cell.Text);
        return document
            .RootElement.EnumerateArray()
            .All(e =>
                e.ValueKind == JsonValueKind.Object
                && e.TryGetProperty("value", out _)
                && e.TryGetProperty("status", out _)
            );
    }

    /// <summary>A list of objects of <c>value</c> and <c>status</c>.</summary>
    private static List<(JsonElement, string)> Objects(Cell cell)
    {
        if (cell.Kind != CellKind.List)
        {
            return [];
        }

        using JsonDocument document = JsonDocument.Parse(cell.Text);
        return
        [
            .. document
                .RootElement.EnumerateArray()
                .Select(e =>
                    (
                        e.GetProperty("value").Clone(),
                        e.TryGetProperty("status", out JsonElement status) ? status.ToString() : Submitted
                    )
                ),
        ];
    }

    /// <summary>A list of values beside one of statuses.</summary>
    private static List<(JsonElement, string)> Lists(Cell values, Cell statuses)
    {
        if (values.Kind != CellKind.List)
        {
            return [];
        }

        using JsonDocument all = JsonDocument.Parse(values.Text);
        string[] status = JsonSerializer.Deserialize<string[]>(statuses.Text.Length > 0 ? statuses.Text : "[]") ?? [];
        return [.. all.RootElement.EnumerateArray().Select((v, i) => (v.Clone(), status.ElementAtOrDefault(i) ?? ""))];
    }

    /// <summary>
    /// An annotation of the records before version 2: a text, a list, or spans as [type, start, end].
    /// </summary>
    private static List<(JsonElement, string)> Older(Cell annotation, string status)
    {
        bool isSubmitted = status.Equals("Validated", StringComparison.OrdinalIgnoreCase);
        if (annotation.Kind == CellKind.Missing || annotation.Text.Length == 0)
        {
            return [];
        }

        string json = annotation.Kind == CellKind.Text ? JsonSerializer.Serialize(annotation.Text) : annotation.Text;
        using JsonDocument document = JsonDocument.Parse(json);
        JsonElement value = document.RootElement;
        bool areSpans =
            value.ValueKind == JsonValueKind.Array
            && value.GetArrayLength() > 0
            && value
                .EnumerateArray()
                .All(e =>
                    e.ValueKind == JsonValueKind.Array
                    && e.GetArrayLength() >= 3
                    && e[0].ValueKind == JsonValueKind.String
                    && e[1].ValueKind == JsonValueKind.Number
                );
        JsonElement kept = areSpans
            ? JsonSerializer.SerializeToElement(
                value.EnumerateArray().Select(e => new object[] { e[1].GetInt32(), e[2].GetInt32(), e[0].GetString()! })
            )
            : value.Clone();
        return [(kept, isSubmitted ? Submitted : status.ToLowerInvariant())];
    }
}
