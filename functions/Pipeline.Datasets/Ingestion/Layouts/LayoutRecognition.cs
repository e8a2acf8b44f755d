using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// Tells the form of a file's rows from its columns and some of its values; project.yaml's columns go before any guess.
/// </summary>
public static class LayoutRecognition
{
    private const int RowsSampled = 1000;
    private const int RowsTried = 200;

    /// <summary>A form that fewer rows than this share fit gives way to one that more fit.</summary>
    private const double MinFit = 0.5;

    /// <summary>Tells the form.</summary>
    /// <param name="rows">The rows, of which the first are looked at.</param>
    /// <param name="settings">Columns and task, as far as project.yaml says them.</param>
    /// <param name="fileName">For messages.</param>
    /// <exception cref="DatasetException">A named column is missing, or no form can be told, or one that does not go
    /// with the task.</exception>
    public static RecognizedLayout Recognize(IReadOnlyList<RawRow> rows, ProjectSettings settings, string fileName)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Task == TaskKind.Text)
        {
            return new RecognizedLayout(new TextAlone(ColumnGuess.ChooseText(rows, settings.Columns, fileName)), null);
        }

        List<RawRow> sample = [.. rows.Where(r => r.Fault is null).Take(RowsSampled)];
        // What project.yaml says goes before any guess: columns, a code book, or the task that has labels.
        ColumnSettings columns = settings.Columns;
        bool isNamed =
            columns.Text is not null
            || columns.Label is not null
            || columns.AlsoText.Count > 0
            || settings.Labels.Count > 0;
        bool isTable =
            settings.HasExplicitTask
            && settings.Task == TaskKind.Classification
            && sample.Exists(r => r.Fields.Count > 1);
        List<RowLayout> known =
            isNamed && !Argilla.IsResponse(columns.Label)
                ? []
                :
                [
                    .. LayoutCandidates
                        .From(sample, columns.Label)
                        .Where(c => !isTable || c is not (Alpaca or PromptCompletion or RenderedLlama2 or Thumbs)),
                ];
        RecognizedLayout found = Choose(
            known,
            sample,
            () => TableLayout.Create(sample, rows, settings, fileName),
            isSaid: columns is not { Text: not null, Label: not null }
        );
        RowLayout layout = found.Layout;
        return !settings.HasExplicitTask || layout.Task == settings.Task || layout.OtherTasks.Contains(settings.Task)
            ? found
            : throw new DatasetException(
                DatasetFaultCode.NoColumn,
                $"'{fileName}' holds {layout.Name}, which is learned as "
                    + $"{string.Join(" or ", layout.OtherTasks.Prepend(layout.Task).Select(t => t.Name()))}; "
                    + "project.yaml "
                    + $"says task: {settings.Task.Name()}. Change the task, or name two columns with columns.text and "
                    + "columns.label."
            );
    }

    /// <summary>Whether an object of these names is a row by itself, and not a holder of rows.</summary>
    public static bool IsRow(IEnumerable<string> names) => LayoutCandidates.IsRow(names);

    /// <summary>
    /// The first candidate that at least half of the rows fit, else the one that most fit; a table is the last
    /// candidate.
    /// </summary>
    private static RecognizedLayout Choose(
        List<RowLayout> known,
        List<RawRow> sample,
        Func<RowLayout> table,
        bool isSaid
    )
    {
        List<RawRow> tried = [.. sample.Take(RowsTried)];
        List<(RowLayout Layout, double Fit)> scored = [.. known.Select(k => (k, FitOf(k, tried)))];
        bool isPlain = scored.TrueForAll(s => s.Fit < MinFit);
        RowLayout? plain = isPlain && scored.Count == 0 ? table() : TryTable(table);
        if (plain is not null)
        {
            scored.Add((plain, FitOf(plain, tried)));
        }

        (RowLayout chosen, double fit) = scored.Find(s => s.Fit >= MinFit) is { Layout: not null } first
            ? first
            : scored.MaxBy(s => s.Fit);
        (RowLayout? second, double secondFit) = scored.Find(s => s.Layout != chosen && s.Fit >= MinFit);
        string other = second is null ? "" : $"; second guess: {second.Name}, {Percent(secondFit)}";
        return new RecognizedLayout(
            chosen,
            isSaid
                ? $"Recognised as {chosen.Name} by {Columns(chosen)}: {Percent(fit)} of the first {tried.Count} rows "
                    + $"fit{other}.{(chosen.TaskReason is { } reason ? $" Task {chosen.Task.Name()}: {reason}." : "")}"
                : null
        );
    }

    private static RowLayout? TryTable(Func<RowLayout> table)
    {
        try
        {
            return table();
        }
        catch (DatasetException)
        {
            return null; // no second guess
        }
    }

    private static string Columns(RowLayout layout) =>
        layout.Columns.Text == layout.Columns.Label
            ? $"column '{layout.Columns.Text}'"
            : $"columns '{layout.Columns.Text}' and '{layout.Columns.Label}'";

    /// <summary>The share of rows that a layout can read, those among them that are not to be learned.</summary>
    private static double FitOf(RowLayout layout, List<RawRow> rows) =>
        rows.Count == 0
            ? 0
            : (double)
                rows.Count(r =>
                    layout.Map(r, layout.Task).Reason
                        is null
                            or RejectionReason.Disapproved
                            or RejectionReason.NothingToLearn
                            or RejectionReason.SeveralLabels
                ) / rows.Count;

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0} %");
}

/// <summary>The form of a file's rows, and by what it was recognised.</summary>
/// <param name="Layout">The form.</param>
/// <param name="Evidence">A sentence with the share of rows that fit and the second guess; <c>null</c>: project.yaml
/// names the columns.</param>
public sealed record RecognizedLayout(RowLayout Layout, string? Evidence);
