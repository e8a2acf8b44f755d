using Pipeline.Contracts;
using Pipeline.Reporting.Statistics;

namespace Pipeline.Registry.Promotion;

/// <summary>A new version against the champion, on the held-out rows that both answered.</summary>
public static class ChampionComparison
{
    /// <summary>Compares two evaluations, paired by the hash of what both answered.</summary>
    /// <param name="champion">The champion's evaluation; <c>null</c>: there is no champion.</param>
    /// <param name="candidate">The new version's evaluation.</param>
    /// <param name="bootstrapSamples">Samples of the bootstrap, 1 or more.</param>
    /// <returns>
    /// New minus champion, a fraction; <c>null</c>: fewer than <see cref="PromotionTest.MinRows"/> texts can be
    /// compared.
    /// </returns>
    public static PairedDifference? Compare(
        EvaluationReport? champion,
        EvaluationReport candidate,
        int bootstrapSamples
    )
    {
        ArgumentNullException.ThrowIfNull(candidate);
        if (champion is null)
        {
            return null;
        }

        Dictionary<string, RowOutcome> known = champion
            .Outcomes.DistinctBy(o => o.TextHash)
            .ToDictionary(o => o.TextHash, StringComparer.Ordinal);
        List<RowOutcome> both =
        [
            .. candidate.Outcomes.Where(o =>
                known.TryGetValue(o.TextHash, out RowOutcome? other) && other.Gold == o.Gold
            ),
        ];
        // A champion that was scored otherwise is met on what both reports have: whether the answer is exactly right.
        bool scoredAlike =
            champion.ScoreName == candidate.ScoreName
            && both.All(o => o.TunedScore is not null && known[o.TextHash].TunedScore is not null);
        // Plain texts are scored a token, and another base has other tokens.
        if (candidate.Task == TaskKind.Text && (!scoredAlike || champion.Base != candidate.Base))
        {
            return null;
        }

        double Score(RowOutcome outcome) =>
            scoredAlike ? outcome.TunedScore!.Value
            : outcome.Tuned == outcome.Gold ? 1
            : 0;
        List<IGrouping<string, RowOutcome>> texts =
        [
            .. both.GroupBy(o => RowOutcome.TextOf(o.Id), StringComparer.Ordinal),
        ];
        return texts.Count < PromotionTest.MinRows
            ? null
            : PairedComparison.Compare(
                [.. texts.Select(t => t.Average(o => Score(known[o.TextHash])))],
                (IReadOnlyList<double>)[.. texts.Select(t => t.Average(Score))],
                bootstrapSamples
            );
    }
}
