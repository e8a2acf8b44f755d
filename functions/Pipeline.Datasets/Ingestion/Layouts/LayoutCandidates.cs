using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>The forms that a file's columns and values point to, the most specific first.</summary>
internal static class LayoutCandidates
{
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

    /// <summary>
    /// Pairs of columns that are a question and its answer, if the answers do not come again and again.
    /// </summary>
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

    /// <summary>Columns of a text that a question is about.</summary>
    private static readonly string[] Contexts = ["context", "passage"];
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

    /// <summary>Whether an object of these names is a row by itself, and not a holder of rows.</summary>
    public static bool IsRow(IEnumerable<string> names) =>
        names.Any(n =>
            MessageColumns.Contains(n) || SpanTexts.Contains(n) || n is Alpaca.Instruction or Preferences.Chosen
        );

    /// <summary>The candidates; obeying the annotator's verdicts where there is a column of them.</summary>
    /// <param name="sample">Rows without a fault.</param>
    /// <param name="label">columns.label of project.yaml; <c>null</c>: not named.</param>
    public static IEnumerable<RowLayout> From(List<RawRow> sample, string? label)
    {
        string? verdict = AnnotatorVerdict.ColumnOf(sample);
        var table = new SampleColumns(sample);
        IEnumerable<RowLayout> known = [.. Exports(sample, label), .. Dialogues(table), .. Questions(table)];
        return known.Select(l => verdict is null || l.Used.Contains(verdict) ? l : new AnnotatorVerdict(l, verdict));
    }

    /// <summary>Exports of tools, whose rows hold more than texts.</summary>
    private static IEnumerable<RowLayout> Exports(List<RawRow> sample, string? label)
    {
        if (LabelStudio.Recognize(sample) is { IsExport: true, HasSpans: var hasSpans })
        {
            yield return new LabelStudio(hasSpans);
        }

        if (Argilla.Recognize(sample, label) is { } argilla)
        {
            yield return argilla;
        }

        if (OasstTree.Recognize(sample))
        {
            yield return new OasstTree();
        }
    }

    /// <summary>Lists of messages, with preferences or thumbs where there are some.</summary>
    private static IEnumerable<RowLayout> Dialogues(SampleColumns table)
    {
        string? messages = MessageColumns.FirstOrDefault(c => table.Most(c, Dialogue.IsDialogue));
        string? prompt = Prompts.FirstOrDefault(table.Names.Contains);
        if (table.Names.Contains(Preferences.Chosen) && table.Names.Contains(Preferences.Rejected))
        {
            yield return new Preferences(messages ?? prompt);
        }

        string? thumb = ((string[])["label", "kto_tag", "thumb", "thumbs", "approved"]).FirstOrDefault(c =>
            table.Most(c, v => Thumbs.Verdict(v) is not null)
        );
        string? completion = ((string[])["completion", "response"]).FirstOrDefault(table.Names.Contains);
        if (thumb is not null && (messages is not null || (prompt is not null && completion is not null)))
        {
            yield return new Thumbs(messages ?? prompt!, messages is null ? completion : null, thumb);
        }

        if (messages is not null)
        {
            bool isShareGpt = table.Values(messages).First().Contains("\"from\"", StringComparison.Ordinal);
            yield return new Messages(messages, isShareGpt);
        }
    }

    /// <summary>Texts with spans, instructions, questions with free answers, rendered dialogues.</summary>
    private static IEnumerable<RowLayout> Questions(SampleColumns table)
    {
        bool hasLabels = HasLabels(table.Rows);
        string? spanText = SpanTexts.FirstOrDefault(table.Names.Contains);
        string? spans = SpanColumns.FirstOrDefault(c =>
            table.Most(c, v => SpanAnnotations.AreSpans(v) is not false)
            && table.Values(c).Any(v => SpanAnnotations.AreSpans(v) is true)
        );
        if (spans is not null && spanText is not null && !hasLabels)
        {
            yield return new SpanAnnotations(spanText, spans);
        }

        if (table.Names.Contains(Alpaca.Instruction) && Outputs.FirstOrDefault(table.Names.Contains) is { } output)
        {
            yield return new Alpaca(output, Alpaca.Inputs.FirstOrDefault(table.Names.Contains));
        }

        if (hasLabels)
        {
            yield break;
        }

        if (Questions(table.Rows, table.Names) is { } questions)
        {
            yield return questions;
        }

        if (table.Names.FirstOrDefault(c => table.Most(c, RenderedLlama2.IsRendered)) is { } rendered)
        {
            yield return new RenderedLlama2(rendered);
        }
    }

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
    private static RowLayout? Questions(List<RawRow> sample, HashSet<string> columns)
    {
        foreach ((string question, string answer) in QuestionsAndAnswers)
        {
            if (columns.Contains(question) && columns.Contains(answer) && AreFree(sample, answer))
            {
                return AnnotatorVerdict.ColumnOf(sample) == answer
                    ? null
                    : new PromptCompletion(question, answer, Contexts.FirstOrDefault(columns.Contains));
            }
        }

        return Flattened(sample, columns);
    }

    /// <summary>LangSmith's CSV: <c>inputs.question</c> and <c>outputs.answer</c> as columns, one of each.</summary>
    private static RowLayout? Flattened(List<RawRow> sample, HashSet<string> columns)
    {
        string[] Under(string name) =>
            [
                .. columns.Where(c =>
                    c.StartsWith(name, StringComparison.OrdinalIgnoreCase)
                    && c.Length > name.Length + 1
                    && c[name.Length] is '.' or '_'
                ),
            ];
        return (Under("inputs"), Under("outputs")) switch
        {
            ([var input], [var output]) when AreFree(sample, output) => new PromptCompletion(input, output, null),
            ([var input], [var output]) => new TextAndLabel(new Contracts.ColumnReading(input, output, true)),
            _ => null,
        };
    }

    /// <summary>
    /// Whether answers are dialogues, objects or texts of several words of which few come again: a class does.
    /// </summary>
    private static bool AreFree(List<RawRow> sample, string column)
    {
        string[] values =
        [
            .. sample.Select(r => r.Fields.GetValueOrDefault(column, "").Trim()).Where(v => v.Length > 0),
        ];
        int nested = sample.Count(r => r[column].Kind is CellKind.Structure or CellKind.List);
        return values.Length > 0 && (nested * 2 > sample.Count || FreeAnswers.AreIn(values));
    }

    /// <summary>The columns of some rows.</summary>
    private sealed class SampleColumns(List<RawRow> rows)
    {
        public List<RawRow> Rows => rows;

        /// <summary>The names of all columns.</summary>
        public HashSet<string> Names { get; } = rows.SelectMany(r => r.Fields.Keys).ToHashSet(StringComparer.Ordinal);

        /// <summary>A column's values, those that are not empty.</summary>
        public IEnumerable<string> Values(string column) =>
            rows.Select(r => r.Fields.GetValueOrDefault(column, "")).Where(v => v.Length > 0);

        /// <summary>Whether something holds of most of a column's values.</summary>
        public bool Most(string column, Func<string, bool> holds)
        {
            string[] values = [.. Values(column)];
            return values.Count(holds) * 2 > values.Length;
        }
    }
}
