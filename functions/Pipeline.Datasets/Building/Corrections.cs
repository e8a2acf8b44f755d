using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion;
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
    private const string UnclearRule = "unclearRule";

    /// <summary>One line.</summary>
    /// <param name="text">The text.</param>
    /// <param name="answer">Its right answer; empty: the text is not to be learned.</param>
    /// <param name="isNamed">Whether a reviewer with a key says so.</param>
    /// <param name="reviewers">Who says so; <c>null</c>: nobody gave a name.</param>
    /// <param name="unclearRule">A rule under which it was answered and on which the reviewers do not agree: then
    /// nothing
    /// of the text is learned; <c>null</c>: there is none.</param>
    public static string Line(string text, string answer, bool isNamed, string? reviewers, string? unclearRule = null)
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

        if (unclearRule is not null)
        {
            row[UnclearRule] = unclearRule;
        }

        return ContractJson.Write(row);
    }

    /// <summary>The text of a line; <c>null</c>: there is none.</summary>
    public static string? TextOf(string? line) =>
        string.IsNullOrEmpty(line) ? null : ContractJson.Read<Dictionary<string, string>>(line).GetValueOrDefault(Text);

    /// <summary>What people have decided on texts beside their answers.</summary>
    internal static ReviewedTexts Reviewed(DatasetRequest request)
    {
        if (request.Corrections is not { } file)
        {
            return ReviewedTexts.None;
        }

        HashSet<string> without = [.. request.Without];
        using var reader = new RawReader(false, [], request.Settings.Limits);
        return new ReviewedTexts(
            reader
                .Read(file)
                .Where(r => r.Fault is null && IsNamed(r) && !without.Contains(r.Id))
                .Select(r =>
                    (
                        ReviewedTexts.KeyOf(r.Fields.GetValueOrDefault(Text, "")),
                        new Decision(
                            r.Fields.GetValueOrDefault(Answer, "").Length == 0,
                            r.Fields.GetValueOrDefault(UnclearRule)
                        )
                    )
                )
        );
    }

    /// <summary>Whether a row gives an answer to learn.</summary>
    internal static bool Teaches(RawRow row) =>
        row.Fault is not null
        || (row.Fields.GetValueOrDefault(Answer, "").Length > 0 && !row.Fields.ContainsKey(UnclearRule));

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
