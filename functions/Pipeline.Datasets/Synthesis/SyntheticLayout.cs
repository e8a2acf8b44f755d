using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Synthesis;

/// <summary>Synthetic rows, as rows to be validated like any other.</summary>
internal sealed class SyntheticLayout : RowLayout
{
    internal const string Text = "text";
    internal const string Answer = "answer";

    public override string Name => "synthetic rows";
    public override ColumnReading Columns => new(Text, Answer, false);
    public override TaskKind Task => TaskKind.Classification;

    public override RowContent Map(RawRow row, TaskKind task)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.Fields[Text].Length == 0
                ? RowContent.Refused(RejectionReason.MissingText, "the generator gave no text")
            : row.Fields[Answer].Length == 0
                ? RowContent.Refused(RejectionReason.MissingLabel, "the generator gave no answer")
            : RowContent.Pair(row.Fields[Text], row.Fields[Answer]);
    }

    /// <summary>The rows, numbered by generator.</summary>
    public static IEnumerable<(RawRow Row, SyntheticRow Made)> Rows(IEnumerable<SyntheticRow> rows)
    {
        var numbers = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (SyntheticRow row in rows)
        {
            int number = numbers[row.Origin.Generator] = numbers.GetValueOrDefault(row.Origin.Generator) + 1;
            var place = new RowPlace($"made by {row.Origin.Generator}", number, 0);
            yield return (
                new RawRow(place, new Dictionary<string, string> { [Text] = row.Text, [Answer] = row.Answer }, null),
                row
            );
        }
    }
}
