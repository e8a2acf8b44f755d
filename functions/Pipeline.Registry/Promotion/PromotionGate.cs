using Pipeline.Contracts;
using Pipeline.Reporting.Pages;
using static Pipeline.Reporting.Pages.Figures;

namespace Pipeline.Registry.Promotion;

/// <summary>
/// Whether a new version becomes the champion: only when it is proven better on held-out rows, loses no label, and is
/// worth a language model at all.
/// </summary>
public static class PromotionGate
{
    /// <summary>Fewest rows that both answered; below, nothing is proven.</summary>
    public const int MinRows = 20;

    /// <summary>
    /// Rows from which a label or a guard set is tested for non-inferiority. Of fewer, that a loss lies within the
    /// margin could not be shown: a label must not be proven worse, and on a guard set the loss itself must not exceed
    /// the margin.
    /// </summary>
    public const int MinLabelRows = 100;

    private const double Alpha = 0.05;

    /// <summary>Decides.</summary>
    public static GateVerdict Decide(GateInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        List<GateCheck> checks = input.ChampionVersion is null
            ? [AgainstBase(input)]
            : [AgainstChampion(input), .. Labels(input)];
        if (OnGuardSet(input) is { } guard)
        {
            checks.Add(guard);
        }

        if (AgainstBaselines(input) is { } baseline)
        {
            checks.Add(baseline);
        }

        bool promote = checks.TrueForAll(c => c.Passed);
        return new GateVerdict
        {
            Version = input.Version,
            Champion = input.ChampionVersion,
            Promote = promote,
            Line = promote ? Won(input, checks) : Lost(input, checks),
            Checks = checks,
        };
    }

    private static GateCheck AgainstBase(GateInput input)
    {
        PairedDifference difference = input.Candidate.Difference;
        double limit = input.Settings.Promotion.MinimumGain;
        int rows = input.Candidate.Outcomes.DistinctBy(o => RowOutcome.TextOf(o.Id)).Count();
        return new GateCheck(GateRule.Base, difference.Interval.Low > limit, Words(difference, $"{rows}"))
        {
            Difference = difference,
            Limit = limit,
        };
    }

    private static GateCheck AgainstChampion(GateInput input)
    {
        double limit = input.Settings.Promotion.MinimumGain;
        PairedDifference? difference = ChampionComparison.Compare(
            input.Champion,
            input.Candidate,
            input.Settings.Evaluation.BootstrapSamples
        );
        int compared = ChampionComparison.Pair(input.Champion, input.Candidate).Count;
        int all = input.Candidate.Outcomes.DistinctBy(o => RowOutcome.TextOf(o.Id)).Count();
        string rows = compared < all ? $"the {compared} of {all} held-out rows that both answered" : $"{all}";
        return new GateCheck(
            GateRule.Champion,
            difference?.Interval.Low > limit,
            difference is null
                ? $"only {compared} of {all} held-out rows were answered by both, and {MinRows} are needed"
                : Words(difference, rows)
        )
        {
            Difference = difference,
            Limit = limit,
        };
    }

    /// <summary>
    /// Each label's rows: non-inferiority by the one-sided bootstrap where they are many; of a label with few, the
    /// exact McNemar test, its level divided by the number of labels (Bonferroni).
    /// </summary>
    private static IEnumerable<GateCheck> Labels(GateInput input)
    {
        double margin = input.Settings.Promotion.LabelMargin;
        if (input.Candidate.Labels.Count == 0 || margin >= 1)
        {
            yield break;
        }

        foreach (
            IGrouping<string, PairedText> label in ChampionComparison
                .Pair(input.Champion, input.Candidate)
                .GroupBy(t => t.Gold, StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
        )
        {
            yield return AgainstLabel([.. label], margin, input);
        }
    }

    private static GateCheck AgainstLabel(List<PairedText> texts, double margin, GateInput input)
    {
        PairedDifference difference = ChampionComparison.Difference(texts, input.Settings.Evaluation.BootstrapSamples);
        bool passed =
            texts.Count >= MinLabelRows
                ? difference.LowerBound > -margin
                : !(difference.Mean < -margin && difference.McNemarP < Alpha / input.Candidate.Labels.Count);
        return new GateCheck(GateRule.Label, passed, $"'{texts[0].Gold}': {Words(difference, $"{texts.Count}")}")
        {
            Label = texts[0].Gold,
            Difference = difference,
            Limit = -margin,
        };
    }

    /// <summary>
    /// The guard set: against the champion where that has answered all of it, else against the base. <c>null</c>: the
    /// project has none.
    /// </summary>
    private static GateCheck? OnGuardSet(GateInput input)
    {
        if (input.Candidate.Guard is not { Outcomes.Count: > 0 } guard)
        {
            return null;
        }

        PairedDifference? champion = ChampionComparison.OnGuardSet(input);
        PairedDifference difference = champion ?? ChampionComparison.OnGuardSet(guard, input.Settings);
        string than =
            champion is not null ? $"V{input.ChampionVersion}"
            : input.ChampionVersion is { } unasked ? $"the base, since V{unasked} has not answered it"
            : "the base";
        double margin = input.Settings.Promotion.GuardMargin;
        double loss = guard.Outcomes.Count >= MinLabelRows ? difference.LowerBound!.Value : difference.Mean;
        return new GateCheck(
            GateRule.Guard,
            loss >= -margin,
            $"guard set against {than}: {Words(difference, $"{guard.Outcomes.Count}")}"
        )
        {
            Difference = difference,
            Limit = -margin,
        };
    }

    /// <summary>The baseline that comes nearest; <c>null</c>: there is none, or the report is of before.</summary>
    private static GateCheck? AgainstBaselines(GateInput input)
    {
        (Baseline kind, BaselineScore? score) = input
            .Candidate.Baselines.Where(b => b.Value.TunedGain is not null)
            .OrderBy(b => b.Value.TunedGain!.Interval.Low)
            .ThenByDescending(b => b.Key) // of equals the linear model, which is there to be used
            .Select(b => (b.Key, b.Value))
            .FirstOrDefault();
        if (score?.TunedGain is not { } gain)
        {
            return null;
        }

        bool better = gain.Interval.Low > 0;
        return new GateCheck(
            GateRule.Baseline,
            better || input.Settings.Promotion.EqualToBaseline == BaselinePolicy.Champion,
            $"{EvaluationVerdict.Name(kind)} reaches {Percent(score.Accuracy)} where the version reaches "
                + $"{Percent(input.Candidate.TunedScore.Accuracy)} ({Words(gain, $"{input.Candidate.Outcomes.Count}")})"
        )
        {
            Difference = gain,
        };
    }

    private static string Won(GateInput input, List<GateCheck> checks)
    {
        string baseline = checks.Find(c => c.Rule == GateRule.Baseline) switch
        {
            { Difference.Interval.Low: > 0 } => " and than every simple model that needs no GPU",
            { } equal => $". {equal.Detail}; it is promoted all the same, because the project's "
                + "promotion.equalToBaseline says so",
            null => "",
        };
        string guard = checks.Exists(c => c.Rule == GateRule.Guard) ? "; it holds the guard set" : "";
        return input.ChampionVersion is { } champion
            ? $"V{input.Version} replaces V{champion} as champion: proven better than V{champion} "
                + $"({checks[0].Detail}){baseline}"
                + $"{(checks.Exists(c => c.Rule == GateRule.Label) ? "; no label is proven worse" : "")}{guard}."
            : $"V{input.Version} is the champion: proven better than the base ({checks[0].Detail}){baseline}{guard}.";
    }

    private static string Lost(GateInput input, List<GateCheck> checks)
    {
        GateCheck first = checks[0];
        string stays = input.ChampionVersion is { } champion ? $"V{champion} stays" : "there is no champion yet";
        if (!first.Passed)
        {
            string than = input.ChampionVersion is null ? " than the base" : "";
            string outcome = first.Difference switch
            {
                null => "cannot be compared",
                { Interval.High: < 0 } => $"is worse{than}",
                _ => $"is not proven better{than}",
            };
            return $"V{input.Version} {outcome}: {stays} ({first.Detail}).";
        }

        string better = $"V{input.Version} is better over all ({first.Detail})";
        GateCheck? baseline = checks.Find(c => c is { Rule: GateRule.Baseline, Passed: false });
        if (baseline is not null)
        {
            return $"V{input.Version} is no better than a simple model that needs no GPU: {stays}. {baseline.Detail}.";
        }

        GateCheck? guard = checks.Find(c => c is { Rule: GateRule.Guard, Passed: false });
        GateCheck[] labels = [.. checks.Where(c => c is { Rule: GateRule.Label, Passed: false })];
        if (guard is not null && labels.Length == 0)
        {
            return $"{better}, but loses on the guard set: {stays} ({guard.Detail}).";
        }

        string worse = Array.Exists(labels, c => c.Difference is { Interval.High: < 0 }) ? "worse" : "perhaps worse";
        string lost = guard is null ? "" : " and on the guard set";
        string details = string.Join("; ", labels.Append(guard).OfType<GateCheck>().Select(c => c.Detail));
        return $"{better}, but {worse} on a label{lost}: {stays} ({details}).";
    }

    private static string Words(PairedDifference difference, string rows) =>
        $"{WithSign(difference.Mean)} percentage points, 95 % interval {Points(difference.Interval)}; "
        + $"{difference.Won} rows won, {difference.Lost} lost, of {rows}";
}

/// <summary>What the gate decides on.</summary>
/// <param name="Version">The new version.</param>
/// <param name="Candidate">Its evaluation.</param>
/// <param name="ChampionVersion">The champion's version; <c>null</c>: there is none yet.</param>
/// <param name="Champion">The champion's evaluation; <c>null</c>: there is no champion, or it cannot be read.</param>
/// <param name="Settings">Those that the run was started with.</param>
public sealed record GateInput(
    int Version,
    EvaluationReport Candidate,
    int? ChampionVersion,
    EvaluationReport? Champion,
    ProjectSettings Settings
);
