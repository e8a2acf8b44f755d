using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Reporting.Baselines;

namespace Pipeline.Registry.Review;

/// <summary>
/// Rows of a dataset in the order in which a person's answers teach most: the first hundred for variety, then by what
/// the linear model of all answers until then is least sure of.
/// </summary>
public static class RowOrder
{
    /// <summary>Answers from which a linear model is made; until then the order is for variety.</summary>
    public const int FirstByVariety = 100;

    /// <summary>Rows of a kind that are ordered; the others follow when these are answered.</summary>
    public const int MaxListed = 500;

    /// <summary>Rows of a kind that are compared; where there are more, a draw by their texts' hashes.</summary>
    public const int MaxCompared = 20_000;

    /// <summary>Orders the rows of each kind.</summary>
    /// <param name="rows">The rows; a text that stands twice is taken once.</param>
    /// <param name="answered">Texts with their answers, those of the data and those of people.</param>
    /// <param name="hasLabels">Whether answers are labels, so that a linear model can be made of them.</param>
    public static IReadOnlyList<ReviewItem> From(
        IReadOnlyList<ReviewCandidate> rows,
        IReadOnlyList<(string Text, string Label)> answered,
        bool hasLabels
    )
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(answered);
        bool canLearn =
            hasLabels
            && answered.Count >= FirstByVariety
            && answered.Select(a => a.Label).Distinct(StringComparer.Ordinal).Skip(1).Any();
        using LinearModel? model = canLearn ? LinearModel.Train(answered) : null;
        string[] known = [.. answered.Select(a => a.Text)];
        return
        [
            .. rows.DistinctBy(r => r.Id, StringComparer.Ordinal)
                .GroupBy(r => r.Kind)
                .OrderBy(g => g.Key)
                .SelectMany(kind => Order(Drawn(kind), known, model)),
        ];
    }

    private static ReviewCandidate[] Drawn(IEnumerable<ReviewCandidate> rows)
    {
        ReviewCandidate[] all = [.. rows];
        return all.Length <= MaxCompared ? all : [.. all.OrderBy(r => r.Id, StringComparer.Ordinal).Take(MaxCompared)];
    }

    private static IEnumerable<ReviewItem> Order(ReviewCandidate[] rows, string[] known, LinearModel? model)
    {
        string[] texts = [.. rows.Select(r => r.Text)];
        if (model is null)
        {
            return LearningOrder
                .ByVariety(texts, known, MaxListed)
                .Select((row, place) => Item(rows[row], 1 - ((double)place / MaxListed), "unlike those before it"));
        }

        IReadOnlyList<float>[] probabilities = [.. texts.Select(model.Probabilities)];
        double[] margins = [.. probabilities.Select(LearningOrder.Margin)];
        return LearningOrder
            .ByMargin(texts, known, MaxListed, margins)
            .Select(row => Item(rows[row], 1 - margins[row], Unsure(margins[row])));
    }

    private static string Unsure(double margin) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"a linear model gives its two likeliest labels probabilities that differ by {margin:0.00}"
        );

    private static ReviewItem Item(ReviewCandidate row, double teaches, string reason) =>
        new()
        {
            Id = row.Id,
            Kind = row.Kind,
            Text = row.Text,
            Proposed = row.Answer,
            Why = $"{row.Why}; {reason}",
            Teaches = Math.Round(Math.Clamp(teaches, 0, 1), 3),
            RowId = row.RowId,
        };
}
