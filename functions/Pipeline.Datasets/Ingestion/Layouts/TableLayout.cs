using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// A table of a column of texts and one of answers, with a column of the annotator's verdicts where there is one.
/// </summary>
internal static class TableLayout
{
    private const string ChoiceColumn = "accept";
    private const int MinTexts = 4;

    /// <summary>Chooses the columns, and tells classes from free answers.</summary>
    /// <exception cref="DatasetException">A named column is missing, or none can be told.</exception>
    public static RowLayout Create(
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

        string? verdict = settings.Columns.Label == AnnotatorVerdict.Column ? null : AnnotatorVerdict.ColumnOf(sample);
        IReadOnlyList<RawRow> seen = verdict is null ? rows : [.. rows.Select(r => Without(r, verdict))];
        // Prodigy's choice interface: the options chosen.
        bool isChoice =
            verdict is not null
            && settings.Columns.Label is null
            && sample.Exists(r => r[ChoiceColumn].Kind == CellKind.List)
            && sample.Exists(r => r.Fields.ContainsKey("options"));
        ColumnSettings named = isChoice ? settings.Columns with { Label = ChoiceColumn } : settings.Columns;
        ColumnReading columns = ColumnGuess.Choose(seen, named, fileName);
        ColumnGuess.RequireColumns(seen, named.AlsoText, fileName);
        (bool isFree, string reason) = Answers(sample, columns.Label, settings);
        var layout = new TextAndLabel(columns, settings.Labels)
        {
            AlsoText = named.AlsoText,
            HasFreeAnswers = isFree,
            Reason = reason,
        };
        return verdict is null ? layout : new AnnotatorVerdict(layout, verdict);
    }

    /// <summary>Whether answers are texts of several words of which few come again: a class does.</summary>
    private static (bool IsFree, string Reason) Answers(List<RawRow> sample, string column, ProjectSettings settings)
    {
        string[] answers =
        [
            .. sample
                .Select(r => LabelValue.Read(r[column], column, _ => false))
                .Where(a => a.Refusal is null)
                .Select(a => a.Spelling),
        ];
        int distinct = answers.Distinct(StringComparer.OrdinalIgnoreCase).Count();
        bool isFree = settings.Labels.Count == 0 && answers.Length >= MinTexts && FreeAnswers.AreIn(answers);
        return (isFree, $"'{column}' has {distinct} different values in {answers.Length} rows");
    }

    private static RawRow Without(RawRow row, string column) =>
        row with
        {
            Fields = row.Fields.Where(f => f.Key != column).ToDictionary(StringComparer.Ordinal),
        };
}
