using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>
/// Columns of texts that a guess would leave unread: what the answer depends on may stand in them, so the guess stops
/// and asks.
/// </summary>
internal static class UnreadTexts
{
    private const int MinWords = 4;
    private const double MinFilled = 0.3;
    private const double MinDistinct = 0.5;
    private const double MinLetters = 0.6;
    private const double MaxRepeated = 0.9;

    /// <summary>Names of columns that are part of the question, whatever their texts look like.</summary>
    private static readonly HashSet<string> Names = new(StringComparer.OrdinalIgnoreCase)
    {
        "premise",
        "hypothesis",
        "sentence1",
        "sentence2",
        "sentence_a",
        "sentence_b",
        "text1",
        "text2",
        "text_a",
        "text_b",
        "question1",
        "question2",
        "question",
        "query",
        "context",
        "passage",
        "history",
        "system",
        "aspect",
        "aspect_term",
        "title",
        "headline",
        "subject",
        "description",
    };

    /// <summary>The question to ask; <c>null</c>: no text is left unread.</summary>
    /// <param name="sample">The first rows.</param>
    /// <param name="layout">The form that was guessed.</param>
    /// <param name="unread">The columns that it does not read.</param>
    /// <param name="fileName">For the message.</param>
    public static DatasetException? Question(
        List<RawRow> sample,
        RowLayout layout,
        IEnumerable<string> unread,
        string fileName
    )
    {
        List<RawRow> sound = [.. sample.Where(r => r.Fault is null)];
        string[] texts = [.. unread.Where(c => IsText(sound, c) && !IsRepeated(sound, layout, c))];
        if (texts.Length == 0)
        {
            return null;
        }

        string also = string.Join(", ", texts.Select(YamlText.Scalar));
        string read = $"'{layout.Columns.Text}'";
        string left = string.Join(", ", texts.Select(t => $"'{t}'"));
        return layout.TakesAlsoText
            ? DatasetException.NeedingSettings(
                $"'{fileName}' has texts in several columns: {read} would be learned from, {left} would not be read. "
                    + "Which belong to the question?",
                $"columns:\n  text: {YamlText.Scalar(layout.Columns.Text)}\n  alsoText: [{also}]   "
                    + "# without this line they are not read\n"
                    + $"  label: {YamlText.Scalar(layout.Columns.Label)}"
            )
            : DatasetException.NeedingSettings(
                $"'{fileName}' is read as {layout.Name}, which leaves texts unread: {left}. If they are not to be "
                    + "learned "
                    + "from, say so.",
                $"columns:\n  ignore: [{also}]"
            );
    }

    private static bool IsText(List<RawRow> rows, string column)
    {
        Cell[] filled =
        [
            .. rows.Select(r => r[column])
                .Where(c => c.Kind is CellKind.Text or CellKind.List && c.Text.Trim().Length > 0),
        ];
        if (filled.Length == 0 || filled.Length < MinFilled * rows.Count)
        {
            return false;
        }

        string[] texts = [.. filled.Where(c => c.Kind == CellKind.Text).Select(c => c.Text)];
        if (texts.Length * 2 < filled.Length)
        {
            return column.Equals("history", StringComparison.OrdinalIgnoreCase); // a list of turns
        }

        double letters = texts.Sum(t => (double)t.Count(char.IsLetter)) / texts.Sum(t => t.Count(c => c is not ' '));
        int distinct = texts.Distinct(StringComparer.Ordinal).Count();
        return letters >= MinLetters
            && (
                (Names.Contains(column) && distinct > 1)
                || (texts.Average(FreeAnswers.WordsOf) >= MinWords && distinct >= MinDistinct * texts.Length)
            );
    }

    /// <summary>
    /// Whether what is learned holds the column's texts anyhow, as a dialogue does its first question.
    /// </summary>
    private static bool IsRepeated(List<RawRow> rows, RowLayout layout, string column)
    {
        const int Tried = 100;
        bool[] held =
        [
            .. rows.Where(r => r[column] is { Kind: CellKind.Text, Text: var t } && t.Trim().Length > 0)
                .Take(Tried)
                .Select(r => (Text: r[column].Text.Trim(), Content: layout.Map(r, layout.Task)))
                .Where(r => r.Content.Reason is null)
                .Select(r => IsHeld(r.Text, r.Content)),
        ];
        return held.Length > 0 && held.Count(h => h) >= MaxRepeated * held.Length;
    }

    /// <summary>A text within a message, or one with all of the row in it, as alpaca's <c>text</c> is.</summary>
    private static bool IsHeld(string text, RowContent content) =>
        content.Messages.Any(m => m.Content.Contains(text, StringComparison.Ordinal))
        || content.Messages.All(m =>
            m.Content.Split("\n\n").All(part => text.Contains(part.Trim(), StringComparison.Ordinal))
        );
}
