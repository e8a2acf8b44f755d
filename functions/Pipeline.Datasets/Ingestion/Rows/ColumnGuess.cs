using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>
/// Which column holds the text and which the label: what project.yaml says, else by name, else by content.
/// </summary>
public static class ColumnGuess
{
    private const int MaxLabels = 200;
    private static readonly string[] TextNames =
    [
        "text",
        "tweet",
        "sentence",
        "review",
        "message",
        "body",
        "comment",
        "content",
        "question",
        "utterance",
        "document",
        "instruction",
        "prompt",
        "input",
        "premise",
        "sentence1",
        "sentence_a",
        "text1",
        "text_a",
        "question1",
        "title",
    ];
    private static readonly string[] LabelNames =
    [
        "label",
        "labels",
        "sentiment",
        "category",
        "class",
        "intent",
        "target",
        "topic",
        "tag",
        "output",
        "response",
        "answer",
        "completion",
    ];

    /// <summary>Chooses the columns.</summary>
    /// <exception cref="DatasetException">A named column is missing, or none can be told to be the label or the
    /// text.</exception>
    public static ColumnReading Choose(IReadOnlyList<RawRow> rows, ColumnSettings settings, string fileName)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(settings);
        List<string> columns = Columns(rows);
        string label =
            Named(settings.Label, "label", columns, fileName)
            ?? GuessLabel(rows, columns, settings.Text)
            ?? throw new DatasetException(
                DatasetFaultCode.NoColumn,
                $"'{fileName}' has no column that is plainly the label; its columns are "
                    + $"{ReadingNotes.List(columns)}. Name one with columns.label in project.yaml; "
                    + "where there is none yet, say review: { unlabelled: true }, and people label the texts."
            );
        string text =
            Named(settings.Text, "text", columns, fileName)
            ?? GuessText(rows, columns, label)
            ?? throw new DatasetException(
                DatasetFaultCode.NoColumn,
                $"'{fileName}' has no column that is plainly the text; its columns are "
                    + $"{ReadingNotes.List(columns)}. Name one with columns.text in project.yaml."
            );
        return new ColumnReading(text, label, settings.Text is null || settings.Label is null);
    }

    /// <summary>Chooses the column of plain texts.</summary>
    /// <exception cref="DatasetException">The named column is missing, or there is none.</exception>
    public static ColumnReading ChooseText(IReadOnlyList<RawRow> rows, ColumnSettings settings, string fileName)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(settings);
        List<string> columns = Columns(rows);
        string text =
            Named(settings.Text, "text", columns, fileName)
            ?? GuessText(rows, columns, label: "")
            ?? throw new DatasetException(DatasetFaultCode.NoColumn, $"'{fileName}' has no column at all.");
        return new ColumnReading(text, "", settings.Text is null);
    }

    /// <summary>Requires columns that project.yaml names.</summary>
    /// <exception cref="DatasetException">One is missing.</exception>
    public static void RequireColumns(IReadOnlyList<RawRow> rows, IReadOnlyList<string> names, string fileName)
    {
        ArgumentNullException.ThrowIfNull(names);
        List<string> columns = names.Count == 0 ? [] : Columns(rows);
        foreach (string name in names)
        {
            Named(name, "alsoText", columns, fileName);
        }
    }

    /// <summary>Whether a column of this name would be taken for the text or the label.</summary>
    public static bool IsKnownName(string name) =>
        TextNames.Concat(LabelNames).Any(n => n.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static List<string> Columns(IReadOnlyList<RawRow> rows) =>
        [
            .. rows.Where(r => r.Fault is null)
                .Take(1000)
                .SelectMany(r => r.Fields.Keys)
                .Distinct(StringComparer.Ordinal),
        ];

    private static string? Named(string? name, string role, List<string> columns, string fileName)
    {
        if (name is null)
        {
            return null;
        }

        return
            columns.Contains(name, StringComparer.Ordinal)
            || columns.Any(c => name.StartsWith(c, StringComparison.Ordinal) && name[c.Length] is '.' or '[')
            ? name
            : throw new DatasetException(
                DatasetFaultCode.NoColumn,
                $"columns.{role} in project.yaml names '{name}', which '{fileName}' does not have; its columns are "
                    + $"{ReadingNotes.List(columns)}."
            );
    }

    private static string? GuessLabel(IReadOnlyList<RawRow> rows, List<string> columns, string? textColumn)
    {
        string? named = ByName(columns, LabelNames);
        if (named is not null)
        {
            return named;
        }

        List<string> few = [.. columns.Where(c => c != textColumn && LooksLikeLabels(rows, c))];
        return few.Count == 1 && columns.Count > 1 ? few[0] : null;
    }

    private static string? GuessText(IReadOnlyList<RawRow> rows, List<string> columns, string label)
    {
        List<string> others = [.. columns.Where(c => c != label)];
        return ByName(others, TextNames) ?? others.MaxBy(c => Values(rows, c).Average(v => (double?)v.Length) ?? 0);
    }

    /// <summary>
    /// The first known name that a column bears, or that a column ends in after a separator (<c>airline_sentiment</c>).
    /// </summary>
    private static string? ByName(List<string> columns, string[] names) =>
        names
            .Select(n => columns.Find(c => c.Equals(n, StringComparison.OrdinalIgnoreCase)))
            .FirstOrDefault(c => c is not null)
        ?? names
            .Select(n =>
                columns.Find(c =>
                    c.EndsWith("_" + n, StringComparison.OrdinalIgnoreCase)
                    || c.EndsWith(" " + n, StringComparison.OrdinalIgnoreCase)
                )
            )
            .FirstOrDefault(c => c is not null);

    private static bool LooksLikeLabels(IReadOnlyList<RawRow> rows, string column)
    {
        List<string> values = [.. Values(rows, column)];
        int distinct = values.Distinct(StringComparer.OrdinalIgnoreCase).Count();
        return values.Count > 0
            && distinct is > 1 and <= MaxLabels
            && distinct * 5 <= values.Count
            && values.Average(v => v.Length) < 40;
    }

    private static IEnumerable<string> Values(IReadOnlyList<RawRow> rows, string column) =>
        rows.Where(r => r.Fault is null)
            .Take(1000)
            .Select(r => r.Fields.GetValueOrDefault(column, ""))
            .Where(v => v.Length > 0);
}
