using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// Tells the form of a file's rows from its columns and some of its values; project.yaml's columns go before any guess.
/// </summary>
public static class LayoutRecognition
{
    private const int RowsLookedAt = 1000;
    private static readonly string[] MessageColumns =
    [
        "messages",
        "conversations",
        "conversation",
        "dialogue",
        "dialog",
    ];
    private static readonly string[] SpanColumns =
    [
        "spans",
        "entities",
        "annotations",
        "labels",
        "label",
        "ner",
        "span_labels",
    ];
    private static readonly string[] SpanTexts = ["full_text", "text", "sentence", "content", "userInput", "document"];
    private const string VerdictColumn = "answer";
    private const string ChoiceColumn = "accept";

    /// <summary>Pairs of columns that are a question and its answer, if the answers do not come again and again.</summary>
    private static readonly (string Prompt, string Completion)[] QuestionsAndAnswers =
    [
        ("prompt", "completion"),
        ("prompt", "response"),
        ("question", "answer"),
        ("input", "output"),
        ("input", "target"),
        ("inputs", "outputs"),
        ("inputs", "targets"),
    ];
    private static readonly string[] Outputs = ["output", "response", "answer", "completion"];
    private static readonly string[] Prompts =
    [
        "prompt",
        "question",
        "input",
        "instruction",
        "conversations",
        "messages",
    ];

    /// <summary>Tells the form.</summary>
    /// <param name="rows">The rows, of which the first are looked at.</param>
    /// <param name="settings">Columns and task, as far as project.yaml says them.</param>
    /// <param name="fileName">For messages.</param>
    /// <exception cref="DatasetException">A named column is missing, or no form can be told, or one that does not go
    /// with the task.</exception>
    public static RowLayout Recognize(IReadOnlyList<RawRow> rows, ProjectSettings settings, string fileName)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(settings);
        List<RawRow> sample = [.. rows.Where(r => r.Fault is null).Take(RowsLookedAt)];
        if (settings.Task == TaskKind.Text)
        {
            return new TextAlone(ColumnGuess.ChooseText(rows, settings.Columns, fileName));
        }

        // What project.yaml says goes before any guess: columns, a code book, or the task that has labels.
        bool isNamed =
            settings.Columns.Text is not null || settings.Columns.Label is not null || settings.Labels.Count > 0;
        RowLayout? known = isNamed ? null : Known(sample);
        bool plainTable =
            known is not null
            && settings.HasExplicitTask
            && settings.Task == TaskKind.Classification
            && sample.Any(r => r.Fields.Count > 1)
            && known is not (Messages or Preferences or SpanAnnotations);
        RowLayout layout = (plainTable ? null : known) ?? Table(sample, rows, settings, fileName);
        return !settings.HasExplicitTask || layout.Task == settings.Task || layout.OtherTasks.Contains(settings.Task)
            ? layout
            : throw new DatasetException(
                DatasetException.NoColumn,
                $"'{fileName}' holds {layout.Name}, which is learned as {string.Join(" or ", layout.OtherTasks.Prepend(layout.Task).Select(t => t.Name()))}; project.yaml says task: {settings.Task.Name()}. Change the task, or name two columns with columns.text and columns.label."
            );
    }

    /// <summary>Two columns, with a column of the annotator's verdicts where there is one.</summary>
    private static RowLayout Table(
        List<RawRow> sample,
        IReadOnlyList<RawRow> rows,
        ProjectSettings settings,
        string fileName
    )
    {
        // One column named as question and as answer: messages, whatever the cells turn out to be.
        if (settings is { Task: TaskKind.Chat, Columns: { Text: { } text, Label: { } label } } && text == label)
        {
            return new Messages(text, shareGpt: false);
        }

        string? verdict = settings.Columns.Label == VerdictColumn ? null : VerdictOf(sample);
        IReadOnlyList<RawRow> seen = verdict is null ? rows : [.. rows.Select(r => Without(r, verdict))];
        // Prodigy's choice interface: the options chosen.
        bool isChoice =
            verdict is not null
            && settings.Columns.Label is null
            && sample.Any(r => r[ChoiceColumn].Kind == CellKind.List)
            && sample.Any(r => r.Fields.ContainsKey("options"));
        ColumnSettings columns = isChoice ? settings.Columns with { Label = ChoiceColumn } : settings.Columns;
        var layout = new TextAndLabel(ColumnGuess.Choose(seen, columns, fileName), settings.Labels);
        return verdict is null ? layout : new AnnotatorVerdict(layout, verdict);
    }

    private static string? VerdictOf(List<RawRow> sample)
    {
        string[] values =
        [
            .. sample.Select(r => r.Fields.GetValueOrDefault(VerdictColumn, "")).Where(v => v.Length > 0),
        ];
        return values.Length > 0 && values.All(AnnotatorVerdict.IsVerdict) ? VerdictColumn : null;
    }

    private static RawRow Without(RawRow row, string column) =>
        row with
        {
            Fields = row.Fields.Where(f => f.Key != column).ToDictionary(StringComparer.Ordinal),
        };

    /// <summary>Whether an object of these names is a row by itself, and not a holder of rows.</summary>
    public static bool IsRow(IEnumerable<string> names) =>
        names.Any(n =>
            MessageColumns.Contains(n) || SpanTexts.Contains(n) || n is Alpaca.Instruction or Preferences.Chosen
        );

    /// <summary>
    /// Whether a column of a few words that come again and again is there: a label, whatever else the table holds.
    /// </summary>
    private static bool HasLabels(List<RawRow> sample) =>
        ((string[])["label", "labels", "sentiment", "category", "class", "intent", "topic"]).Any(c =>
        {
            string[] values = [.. sample.Select(r => r.Fields.GetValueOrDefault(c, "")).Where(v => v.Length > 0)];
            int distinct = values.Distinct(StringComparer.OrdinalIgnoreCase).Count();
            return values.Count(v => v.Length < 40 && v[0] is not ('[' or '{')) * 2 > values.Length
                && distinct > 1
                && distinct * 2 <= values.Length;
        });

    /// <summary>A column of questions and one of free answers; <c>null</c>: there are none.</summary>
    private static PromptCompletion? Questions(List<RawRow> sample, HashSet<string> columns)
    {
        foreach ((string question, string answer) in QuestionsAndAnswers)
        {
            if (columns.Contains(question) && columns.Contains(answer) && AreFree(sample, answer))
            {
                return VerdictOf(sample) == answer ? null : new PromptCompletion(question, answer);
            }
        }

        return null;
    }

    /// <summary>
    /// Whether answers are dialogues, objects or texts of several words of which few come again: a class does.
    /// </summary>
    private static bool AreFree(List<RawRow> sample, string column)
    {
        const double MinDistinct = 0.5;
        string[] values =
        [
            .. sample.Select(r => r.Fields.GetValueOrDefault(column, "").Trim()).Where(v => v.Length > 0),
        ];
        if (values.Length == 0)
        {
            return false;
        }

        int nested = sample.Count(r => r[column].Kind is CellKind.Structure or CellKind.List);
        double words = values.Average(v => v.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length);
        return nested * 2 > sample.Count
            || (values.Distinct(StringComparer.OrdinalIgnoreCase).Count() >= MinDistinct * values.Length && words > 2);
    }

    private static RowLayout? Known(List<RawRow> sample)
    {
        HashSet<string> columns = sample.SelectMany(r => r.Fields.Keys).ToHashSet(StringComparer.Ordinal);
        IEnumerable<string> Values(string column) =>
            sample.Select(r => r.Fields.GetValueOrDefault(column, "")).Where(v => v.Length > 0);
        bool Most(string column, Func<string, bool> holds) =>
            columns.Contains(column)
            && Values(column).Any()
            && Values(column).Count(holds) * 2 > Values(column).Count();

        if (LabelStudio.Recognize(sample) is { IsExport: true, HasSpans: var hasSpans })
        {
            return new LabelStudio(hasSpans);
        }

        string? messages = MessageColumns.FirstOrDefault(c => Most(c, Dialogue.IsDialogue));
        string? prompt = Prompts.FirstOrDefault(columns.Contains);
        if (columns.Contains(Preferences.Chosen) && columns.Contains(Preferences.Rejected))
        {
            return new Preferences(messages ?? prompt);
        }

        string? verdict = ((string[])["label", "kto_tag", "thumb", "thumbs", "approved"]).FirstOrDefault(c =>
            Most(c, v => Thumbs.Verdict(v) is not null)
        );
        string? completion = ((string[])["completion", "response"]).FirstOrDefault(columns.Contains);
        if (verdict is not null && (messages is not null || (prompt is not null && completion is not null)))
        {
            return new Thumbs(messages ?? prompt!, messages is null ? completion : null, verdict);
        }

        if (messages is not null)
        {
            return new Messages(messages, Values(messages).First().Contains("\"from\"", StringComparison.Ordinal));
        }

        bool labelled = HasLabels(sample);
        string? spanText = SpanTexts.FirstOrDefault(columns.Contains);
        string? spans = SpanColumns.FirstOrDefault(c =>
            columns.Contains(c)
            && Most(c, v => SpanAnnotations.AreSpans(v) is not false)
            && Values(c).Any(v => SpanAnnotations.AreSpans(v) is true)
        );
        if (spans is not null && spanText is not null && !labelled)
        {
            return new SpanAnnotations(spanText, spans);
        }

        if (columns.Contains(Alpaca.Instruction) && Outputs.FirstOrDefault(columns.Contains) is { } output)
        {
            return new Alpaca(output, Alpaca.Inputs.FirstOrDefault(columns.Contains));
        }

        string? rendered = columns.FirstOrDefault(c => Most(c, RenderedLlama2.IsRendered));
        return labelled ? null
            : Questions(sample, columns) is { } questions ? questions
            : rendered is null ? null
            : new RenderedLlama2(rendered);
    }
}
