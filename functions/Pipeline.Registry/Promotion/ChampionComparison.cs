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
    /// New minus champion, a fraction; <c>null</c>: fewer than <see cref="PromotionGate.MinRows"/> texts can be
    /// compared.
    /// </returns>
    public static PairedDifference? Compare(
        EvaluationReport? champion,
        EvaluationReport candidate,
        int bootstrapSamples
    )
    {
        IReadOnlyList<PairedText> texts = Pair(champion, candidate);
        return texts.Count < PromotionGate.MinRows ? null : Difference(texts, bootstrapSamples);
    }

    /// <summary>Whether a version has answered every held-out row, and the guard set, of a newer one.</summary>
    public static bool HasAnsweredAll(EvaluationReport older, EvaluationReport newer)
    {
        ArgumentNullException.ThrowIfNull(older);
        ArgumentNullException.ThrowIfNull(newer);
        return HasAnsweredAll(older.Outcomes, newer.Outcomes)
            && HasAnsweredAll(older.Guard?.Outcomes ?? [], newer.Guard?.Outcomes ?? []);
    }

    private static bool HasAnsweredAll(IReadOnlyList<RowOutcome> older, IReadOnlyList<RowOutcome> newer)
    {
        HashSet<(string, string)> answered = [.. older.Select(o => (o.TextHash, o.Gold))];
        return newer.All(o => answered.Contains((o.TextHash, o.Gold)));
    }

    /// <summary>New minus champion over some texts.</summary>
    public static PairedDifference Difference(IReadOnlyList<PairedText> texts, int bootstrapSamples) =>
        PairedComparison.Compare(
            [.. texts.Select(t => t.Champion)],
            (IReadOnlyList<double>)[.. texts.Select(t => t.Candidate)],
            bootstrapSamples
        );

    /// <summary>
    /// New minus champion on the new version's guard set; <c>null</c>: there is none, or the champion has not answered
    /// all of it.
    /// </summary>
    public static PairedDifference? OnGuardSet(GateInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input is not { Candidate.Guard: { } guard, Champion.Guard: { } answered })
        {
            return null;
        }

        Dictionary<(string, string), double> scores = answered
            .Outcomes.DistinctBy(o => (o.TextHash, o.Gold))
            .ToDictionary(o => (o.TextHash, o.Gold), o => o.TunedScore!.Value);
        return
            guard.ScoreName == answered.ScoreName && guard.Outcomes.All(o => scores.ContainsKey((o.TextHash, o.Gold)))
            ? Difference(guard, o => scores[(o.TextHash, o.Gold)], input.Settings)
            : null;
    }

    /// <summary>Tuned minus base on a guard set.</summary>
    public static PairedDifference OnGuardSet(GuardEvaluation guard, ProjectSettings settings)
    {
        ArgumentNullException.ThrowIfNull(guard);
        return Difference(guard, o => o.BaseScore!.Value, settings);
    }

    private static PairedDifference Difference(
        GuardEvaluation guard,
        Func<RowOutcome, double> other,
        ProjectSettings settings
    ) =>
        PairedComparison.Compare(
            [.. guard.Outcomes.Select(other)],
            (IReadOnlyList<double>)[.. guard.Outcomes.Select(o => o.TunedScore!.Value)],
            settings.Evaluation.BootstrapSamples
        );

    /// <summary>The texts that both answered in the same way, with what each scored; none without a champion.</summary>
    /// <param name="champion">The champion's evaluation; <c>null</c>: there is no champion.</param>
    /// <param name="candidate">The new version's evaluation.</param>
    public static IReadOnlyList<PairedText> Pair(EvaluationReport? champion, EvaluationReport candidate) =>
        [
            .. Rows(champion, candidate)
                .GroupBy(r => RowOutcome.TextOf(r.Candidate.Id), StringComparer.Ordinal)
                .Select(t => new PairedText(
                    t.First().Candidate.Gold,
                    t.Average(r => r.ChampionScore),
                    t.Average(r => r.CandidateScore)
                )),
        ];

    /// <summary>The same row by row, in the order of the candidate's.</summary>
    public static IReadOnlyList<PairedRow> Rows(EvaluationReport? champion, EvaluationReport candidate)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        if (champion is null)
        {
            return [];
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
            return [];
        }

        double Score(RowOutcome outcome) =>
            scoredAlike ? outcome.TunedScore!.Value
            : outcome.Tuned == outcome.Gold ? 1
            : 0;
        return [.. both.Select(o => new PairedRow(known[o.TextHash], o, Score(known[o.TextHash]), Score(o)))];
    }
}

/// <summary>A held-out row that two versions answered.</summary>
/// <param name="Champion">The champion's outcome.</param>
/// <param name="Candidate">The new version's outcome.</param>
/// <param name="ChampionScore">The champion's score, 0 to 1.</param>
/// <param name="CandidateScore">The new version's score, 0 to 1.</param>
public sealed record PairedRow(RowOutcome Champion, RowOutcome Candidate, double ChampionScore, double CandidateScore);

/// <summary>A held-out text that two versions answered.</summary>
/// <param name="Gold">The right answer.</param>
/// <param name="Champion">The champion's score, 0 to 1.</param>
/// <param name="Candidate">The new version's score, 0 to 1.</param>
public sealed record PairedText(string Gold, double Champion, double Candidate);
