using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Validation;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Building;

/// <summary>
/// The first rows of a file as they would be learned, and those that would be rejected. Of a long text only the
/// beginning is read.
/// </summary>
public sealed record DatasetPreview
{
    /// <summary>Rows that are validated at most.</summary>
    private const int MaxRows = 1000;

    /// <summary>The plan of the rows that were read: layout, task, columns, system prompt, notes.</summary>
    public required DatasetPlan Plan { get; init; }

    /// <summary>The first rows that would be learned.</summary>
    public required IReadOnlyList<PreviewedRow> Accepted { get; init; }

    /// <summary>The first rows that would be rejected.</summary>
    public required IReadOnlyList<RejectedRow> Rejected { get; init; }

    /// <summary>Rows that were validated.</summary>
    public required int Rows { get; init; }

    /// <summary>Rejected ones among them, by reason.</summary>
    public required IReadOnlyDictionary<string, int> Reasons { get; init; }

    /// <summary>Tokens of the longest row among them.</summary>
    public required int LongestTokens { get; init; }

    /// <summary>Whether the file goes on after what was read.</summary>
    public required bool IsCut { get; init; }

    /// <summary>Makes a preview.</summary>
    /// <param name="request">What the dataset would be made of; of its files the first.</param>
    /// <param name="shown">Rows to show, accepted and rejected ones each.</param>
    /// <exception cref="DatasetException">The file cannot be read, or its columns cannot be told.</exception>
    public static DatasetPreview Create(DatasetRequest request, int shown)
    {
        ArgumentNullException.ThrowIfNull(request);
        (RawFile file, bool isCut) = FileBeginning.From(request.Files[0]);
        DatasetRequest part = request with { Files = [file], TestFile = null, GuardFile = null };
        using var inputs = new DatasetInputs(part);
        DatasetPlan plan = DatasetPlanner.Plan(part, inputs, long.MaxValue);
        RowValidator validator = PartBuilder.ValidatorFor(part, plan);
        DatasetInput input = inputs.All[0];
        List<PreviewedRow> accepted = [];
        List<RejectedRow> rejected = [];
        var reasons = new SortedDictionary<string, int>(StringComparer.Ordinal);
        (int rows, int longest) = (0, 0);
        foreach (RawRow row in input.Rows(null).Take(MaxRows).Where(r => !isCut || r.Fault is null))
        {
            rows++;
            ValidatedRow validated = validator.Validate(row, input.Layout);
            if (validated.Rejected is { } why)
            {
                string reason = why.Reason.Name();
                reasons[reason] = reasons.GetValueOrDefault(reason) + 1;
                rejected.Add(why);
                continue;
            }

            longest = Math.Max(longest, validated.Measure.Tokens);
            if (accepted.Count < shown)
            {
                accepted.Add(Preview(validated, part.Encoder));
            }
        }

        return new DatasetPreview
        {
            Plan = plan,
            Accepted = accepted,
            Rejected = [.. rejected.Take(shown)],
            Rows = rows,
            Reasons = reasons,
            LongestTokens = longest,
            IsCut = isCut,
        };
    }

    private static PreviewedRow Preview(ValidatedRow row, ChatEncoder encoder) =>
        new(row.Accepted!.Id, encoder.Render(row.Accepted.Messages), row.Measure.Tokens, row.Measure.Supervised);
}

/// <summary>A row as it would be learned.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Parts">Its text, control tokens spelled out; what is learned and what is not in turns.</param>
/// <param name="Tokens">All its tokens.</param>
/// <param name="Learned">Those that are learned.</param>
public sealed record PreviewedRow(string Id, IReadOnlyList<RenderedPart> Parts, int Tokens, int Learned);
