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
        RowLayout layout =
            (plainTable ? null : known) ?? new TextAndLabel(ColumnGuess.Choose(rows, settings.Columns, fileName));
        return !settings.HasExplicitTask || layout.Task == settings.Task || layout.OtherTasks.Contains(settings.Task)
            ? layout
            : throw new DatasetException(
                DatasetException.NoColumn,
                $"'{fileName}' holds {layout.Name}, which is learned as {string.Join(" or ", layout.OtherTasks.Prepend(layout.Task).Select(t => t.Name()))}; project.yaml says task: {settings.Task.Name()}. Change the task, or name two columns with columns.text and columns.label."
            );
    }

    /// <summary>Whether an object of these names is a row by itself, and not a holder of rows.</summary>
    public static bool IsRow(IEnumerable<string> names) =>
        names.Any(n =>
            MessageColumns.Contains(n) || SpanTexts.Contains(n) || n is Alpaca.Instruction or Preferences.Chosen
        );

    private static RowLayout? Known(List<RawRow> sample)
    {
        HashSet<string> columns = sample.SelectMany(r => r.Fields.Keys).ToHashSet(StringComparer.Ordinal);
        IEnumerable<string> Values(string column) =>
            sample.Select(r => r.Fields.GetValueOrDefault(column, "")).Where(v => v.Length > 0);
        bool Most(string column, Func<string, bool> holds) =>
            columns.Contains(column)
            && Values(column).Any()
            && Values(column).Count(holds) * 2 > Values(column).Count();

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

        // A column of a few words that come again and again is a label, whatever else the table holds.
        bool labelled = ((string[])["label", "labels", "sentiment", "category", "class", "intent", "topic"]).Any(c =>
            Most(c, v => v.Length is > 0 and < 40 && v[0] is not ('[' or '{'))
            && Values(c).Distinct(StringComparer.OrdinalIgnoreCase).Count() is > 1 and var distinct
            && distinct * 2 <= Values(c).Count()
        );
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
            return new Alpaca(output);
        }

        string? rendered = columns.FirstOrDefault(c => Most(c, RenderedLlama2.IsRendered));
        return rendered is null || labelled ? null : new RenderedLlama2(rendered);
    }
}
