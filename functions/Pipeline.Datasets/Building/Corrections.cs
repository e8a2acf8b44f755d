using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Building;

/// <summary>
/// A file of people's corrections: JSON lines of a text, its right answer, whether a reviewer's key vouches for it, and
/// who said so. It is read by these names whatever the form of the data beside it.
/// </summary>
public static class Corrections
{
    private const string Text = "text";
    private const string Answer = "answer";
    private const string Named = "named";
    private const string Reviewer = "reviewer";

    /// <summary>One line.</summary>
    /// <param name="text">The text.</param>
    /// <param name="answer">Its right answer.</param>
    /// <param name="isNamed">Whether a reviewer with a key says so.</param>
    /// <param name="reviewers">Who says so; <c>null</c>: nobody gave a name.</param>
    public static string Line(string text, string answer, bool isNamed, string? reviewers)
    {
        var row = new Dictionary<string, string>
        {
            [Text] = text,
            [Answer] = answer,
            [Named] = isNamed ? "yes" : "no",
        };
        if (reviewers is not null)
        {
            row[Reviewer] = reviewers;
        }

        return ContractJson.Write(row);
    }

    /// <summary>The text of a line; <c>null</c>: there is none.</summary>
    public static string? TextOf(string? line) =>
        string.IsNullOrEmpty(line) ? null : ContractJson.Read<Dictionary<string, string>>(line).GetValueOrDefault(Text);

    /// <summary>Whether a key vouches for a row.</summary>
    internal static bool IsNamed(RawRow row) => row.Fields.GetValueOrDefault(Named) == "yes";

    /// <summary>A row with its reviewer in the column in which the data names reviewers.</summary>
    internal static RawRow Placed(RawRow row, string? reviewerColumn)
    {
        if (reviewerColumn is null or Reviewer || !row.Fields.TryGetValue(Reviewer, out string? name))
        {
            return row;
        }

        var fields = new Dictionary<string, string>(row.Fields, StringComparer.Ordinal) { [reviewerColumn] = name };
        return row with { Fields = fields };
    }

    /// <summary>The layout of the file beside data of another.</summary>
    internal static RowLayout Layout(RowLayout data, ProjectSettings settings) =>
        new CorrectedAnswers(data, settings.Labels);
}

/// <summary>A text and its right answer, cleaned as the data beside it are.</summary>
internal sealed class CorrectedAnswers(RowLayout data, IReadOnlyList<LabelDefinition> declared) : RowLayout
{
    private readonly TextAndLabel _pairs = new(new ColumnReading("text", "answer", false), declared);

    public override string Name => "corrections";
    public override ColumnReading Columns => _pairs.Columns;
    public override TaskKind Task => data.Task;
    public override bool HasAccidents => data.HasAccidents;

    public override string? LabelOf(RawRow row) => _pairs.LabelOf(row);

    public override RowContent Map(RawRow row, TaskKind task) => _pairs.Map(row, task);
}
