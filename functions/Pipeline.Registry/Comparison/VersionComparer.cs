using Pipeline.Contracts;
using Pipeline.Registry.Promotion;
using Pipeline.Reporting.Pages;
using Pipeline.Reporting.Statistics;
using static Pipeline.Reporting.Pages.Figures;

namespace Pipeline.Registry.Comparison;

/// <summary>Compares two versions on the held-out rows that both answered, and says what they are made of.</summary>
public static class VersionComparer
{
    /// <summary>Compares.</summary>
    /// <param name="project">The project.</param>
    /// <param name="older">The older version.</param>
    /// <param name="newer">The newer version.</param>
    /// <param name="texts">What the newer version's held-out rows ask, by row id.</param>
    /// <param name="rowsShown">Most rows won, and lost, that are listed.</param>
    public static VersionComparison Compare(
        string project,
        VersionFiles older,
        VersionFiles newer,
        IReadOnlyDictionary<string, string> texts,
        int rowsShown
    )
    {
        ArgumentNullException.ThrowIfNull(older);
        ArgumentNullException.ThrowIfNull(newer);
        ArgumentNullException.ThrowIfNull(texts);
        ProjectSettings settings = newer.Manifest?.Settings ?? new ProjectSettings();
        int resamples = settings.Evaluation.BootstrapSamples;
        IReadOnlyList<PairedText> pairs = ChampionComparison.Pair(older.Evaluation, newer.Evaluation);
        PairedDifference? difference = pairs.Count == 0 ? null : ChampionComparison.Difference(pairs, resamples);
        GateVerdict gate = PromotionGate.Decide(
            new GateInput(newer.Entry.Version, newer.Evaluation, older.Entry.Version, older.Evaluation, settings)
        );
        List<ComparedLabel> labels = newer.Evaluation.Labels.Count == 0 ? [] : [.. Labels(pairs, resamples)];
        IReadOnlyList<PairedRow> rows = ChampionComparison.Rows(older.Evaluation, newer.Evaluation);
        int? trainedOn = older.TrainedOn is { } known ? rows.Count(r => known.Contains(r.Candidate.TextHash)) : null;
        List<ComparedRow> Where(Func<PairedRow, bool> which) =>
            [.. rows.Where(which).Take(rowsShown).Select(r => Shown(r, texts))];
        return new VersionComparison
        {
            Project = project,
            Older = older.Entry,
            Newer = newer.Entry,
            Line = Line(older.Entry.Version, newer.Entry.Version, pairs.Count, difference, labels),
            Gate = gate.Line,
            Rows = pairs.Count,
            ScoreName = newer.Evaluation.ScoreName,
            OlderScore = Score([.. pairs.Select(p => p.Champion)], resamples),
            NewerScore = Score([.. pairs.Select(p => p.Candidate)], resamples),
            Difference = difference,
            Labels = labels,
            Guard = gate.Checks.FirstOrDefault(c => c.Rule == GateRule.Guard),
            Won = Where(r => r.CandidateScore > r.ChampionScore),
            Lost = Where(r => r.CandidateScore < r.ChampionScore),
            Changes = VersionChanges.Between(older, newer),
            RowsOlderWasTrainedOn = trainedOn,
            Notes = [.. Notes(older, newer, pairs.Count, trainedOn)],
        };
    }

    private static IEnumerable<ComparedLabel> Labels(IReadOnlyList<PairedText> pairs, int resamples) =>
        pairs
            .GroupBy(p => p.Gold, StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new ComparedLabel(
                g.Key,
                g.Count(),
                g.Average(p => p.Champion),
                g.Average(p => p.Candidate),
                ChampionComparison.Difference([.. g], resamples)
            ));

    private static ComparedRow Shown(PairedRow row, IReadOnlyDictionary<string, string> texts) =>
        new(
            row.Candidate.Id,
            texts.GetValueOrDefault(row.Candidate.Id),
            row.Candidate.Gold,
            row.Champion.Tuned,
            row.Candidate.Tuned
        );

    private static ComparedScore Score(double[] scores, int resamples) =>
        scores.Length == 0
            ? new ComparedScore(0, new Interval(0, 0))
            : new ComparedScore(scores.Average(), Bootstrap.MeanInterval(scores, resamples));

    private static string Line(int older, int newer, int rows, PairedDifference? difference, List<ComparedLabel> labels)
    {
        if (difference is null)
        {
            return $"V{older} and V{newer} have answered no held-out row in common; nothing can be compared.";
        }

        string verdict =
            difference.Interval.Low > 0 ? $"V{newer} is better than V{older}"
            : difference.Interval.High < 0 ? $"V{newer} is worse than V{older}"
            : $"V{newer} is not proven better or worse than V{older}";
        string[] lost =
        [
            .. labels
                .Where(l => l.Difference.Interval.High < 0)
                .Select(l => $"'{l.Label}' ({WithSign(l.Difference.Mean)} points, {Points(l.Difference.Interval)})"),
        ];
        return $"{verdict}: {WithSign(difference.Mean)} points on {rows} held-out rows (95 % interval "
            + $"{Points(difference.Interval)}; {difference.Won} rows won, {difference.Lost} lost)"
            + $"{(lost.Length > 0 ? $"; it is worse on {string.Join(", ", lost)}" : "")}.";
    }

    private static IEnumerable<string> Notes(VersionFiles older, VersionFiles newer, int rows, int? trainedOn)
    {
        if (trainedOn is { } known)
        {
            yield return known == 0
                ? $"Neither version was trained on any of the {rows} rows."
                : $"V{older.Entry.Version} was trained on {known} of these rows, which V{newer.Entry.Version} was not: "
                    + "its figures are better than they are on new texts.";
        }

        if (older.Evaluation.TestSet != newer.Evaluation.TestSet || older.Evaluation.TestSet is null)
        {
            yield return $"They were measured on different held-out rows; only the {rows} rows that both answered with "
                + "the same right answer are compared.";
        }

        if (EvaluationVerdict.LinearIsAsGood(newer.Evaluation) is { } linear)
        {
            yield return $"V{newer.Entry.Version}: {linear}";
        }

        if (older.Manifest is null || newer.Manifest is null)
        {
            yield return "A dataset is gone: changes of data and settings, and texts of rows, are not all known.";
        }
    }
}
