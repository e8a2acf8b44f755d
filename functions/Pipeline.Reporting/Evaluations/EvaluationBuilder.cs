using Pipeline.Contracts;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Metrics;
using Pipeline.Reporting.Statistics;
using Pipeline.Reporting.Tasks;

namespace Pipeline.Reporting.Evaluations;

/// <summary>Answers of base and tuned on the same rows to the report that is published.</summary>
public static class EvaluationBuilder
{
    private static readonly Dictionary<Baseline, string[]> NoBaselines = [];

    /// <summary>Builds the report.</summary>
    /// <param name="manifest">The dataset's.</param>
    /// <param name="train">Rows trained on, for the baselines.</param>
    /// <param name="answered">The held-out rows and what both models answered.</param>
    /// <param name="settings">How it is measured.</param>
    /// <param name="training">What the training cost; <c>null</c>: nothing was trained.</param>
    /// <param name="linear">The linear model of the same rows; <c>null</c>: there is none.</param>
    public static EvaluationReport Build(
        DatasetManifest manifest,
        IReadOnlyList<Example> train,
        AnsweredRows answered,
        EvaluationSettings settings,
        TrainingSummary? training,
        LinearModel? linear
    )
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(answered);
        ArgumentNullException.ThrowIfNull(settings);
        (IReadOnlyList<Example> test, IReadOnlyList<ModelAnswer> baseAnswers, IReadOnlyList<ModelAnswer> tunedAnswers) =
            answered;
        int resamples = settings.BootstrapSamples;
        string[] gold = [.. test.Select(e => e.Messages[^1].Content.Trim())];
        string[] tuned = [.. tunedAnswers.Select(a => a.Answer)];
        ITaskScoring scoring = TaskScoring.For(manifest.Task, manifest.Labels);
        double[] baseScores = RowScores(scoring, test, baseAnswers);
        double[] tunedScores = RowScores(scoring, test, tunedAnswers);
        IReadOnlyDictionary<Baseline, string[]> baselines =
            manifest.Labels.Count > 0 ? BaselineScores.Answers(train, test, linear) : NoBaselines;
        string[]? linearAnswers = baselines.GetValueOrDefault(Baseline.Linear);
        return new EvaluationReport
        {
            Task = manifest.Task,
            Base = manifest.Base,
            DatasetId = manifest.DatasetId,
            Labels = manifest.Labels,
            ScoreName = scoring.ScoreName,
            BaseScore = Score(manifest, test, baseAnswers, settings),
            TunedScore = Score(manifest, test, tunedAnswers, settings),
            Difference = PairedComparison.Compare(ByText(test, baseScores), ByText(test, tunedScores), resamples),
            Baselines = baselines.ToDictionary(
                b => b.Key,
                b =>
                    BaselineScores.Score(gold, b.Value, tuned, manifest.Labels, resamples) with
                    {
                        LearnedRows = b.Key == Baseline.Linear ? Fewer(linear!.Rows, train.Count) : null,
                    }
            ),
            Confusion = ClassificationMetrics.Confusion(gold, tuned, manifest.Labels),
            Outcomes =
            [
                .. Outcomes(answered, baseScores, tunedScores).Select((o, i) => o with { Linear = linearAnswers?[i] }),
            ],
            Training = training,
            TestSet = TestSetOf(test),
        };
    }

    /// <summary>The evaluation of a guard set.</summary>
    /// <param name="task">Its rows'.</param>
    /// <param name="labels">All labels; empty for tasks without.</param>
    /// <param name="answered">Its rows and what both models answered.</param>
    public static GuardEvaluation Guard(TaskKind task, IReadOnlyList<string> labels, AnsweredRows answered)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(answered);
        ITaskScoring scoring = TaskScoring.For(task, labels);
        double[] baseScores = RowScores(scoring, answered.Test, answered.Base);
        double[] tunedScores = RowScores(scoring, answered.Test, answered.Tuned);
        return new GuardEvaluation
        {
            Id = TestSetOf(answered.Test),
            Task = task,
            ScoreName = scoring.ScoreName,
            BaseScore = baseScores.Average(),
            TunedScore = tunedScores.Average(),
            Outcomes = [.. Outcomes(answered, baseScores, tunedScores)],
        };
    }

    /// <summary>One model's score.</summary>
    /// <param name="manifest">The dataset's.</param>
    /// <param name="test">Held-out rows.</param>
    /// <param name="answers">One a row, in order.</param>
    /// <param name="settings">How it is measured.</param>
    public static ModelScore Score(
        DatasetManifest manifest,
        IReadOnlyList<Example> test,
        IReadOnlyList<ModelAnswer> answers,
        EvaluationSettings settings
    )
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentNullException.ThrowIfNull(settings);
        ITaskScoring scoring = TaskScoring.For(manifest.Task, manifest.Labels);
        ScoredRow[] rows = Rows(test, answers);
        double[] scores = RowScores(scoring, test, answers);
        IReadOnlyDictionary<string, LabelScore> byKind = scoring.ByKind(rows);
        double nll = -answers.Sum(a => a.GoldLogLikelihood) / answers.Sum(a => a.GoldTokens);
        bool written = answers.All(a => a.Text is not null);
        return new ModelScore(
            rows.Average(r => r.Answer == r.Gold ? 1.0 : 0),
            manifest.Labels.Count > 0 ? ClassificationMetrics.MacroF1(byKind) : null,
            Bootstrap.MeanInterval(ByText(test, scores), settings.BootstrapSamples),
            nll,
            Math.Exp(nll),
            written ? answers.Zip(rows, (a, r) => a.Text!.Trim() == r.Gold ? 1.0 : 0).Average() : null,
            written ? answers.Average(a => a.Stopped ? 1.0 : 0) : null,
            byKind
        )
        {
            Score = ByText(test, scores).Average(),
            Metrics = scoring.Metrics(rows),
        };
    }

    private static int? Fewer(int learned, int all) => learned < all ? learned : null;

    /// <summary>A score a text: the mean of its pieces where it was cut.</summary>
    private static double[] ByText(IReadOnlyList<Example> test, double[] scores) =>
        [
            .. test.Zip(scores)
                .GroupBy(p => RowOutcome.TextOf(p.First.Id), StringComparer.Ordinal)
                .Select(g => g.Average(p => p.Second)),
        ];

    private static double[] RowScores(
        ITaskScoring scoring,
        IReadOnlyList<Example> test,
        IReadOnlyList<ModelAnswer> answers
    ) => [.. Rows(test, answers).Select(r => scoring.Score(r))];

    private static ScoredRow[] Rows(IReadOnlyList<Example> test, IReadOnlyList<ModelAnswer> answers) =>
        [
            .. test.Zip(
                answers,
                (e, a) =>
                    new ScoredRow(
                        Question(e),
                        e.Messages[^1].Content.Trim(),
                        a.Answer,
                        Math.Exp(a.GoldLogLikelihood / a.GoldTokens)
                    )
            ),
        ];

    /// <summary>What the user said last; of a plain text nothing.</summary>
    private static string Question(Example row) =>
        row.Messages.LastOrDefault(m => m.Role == MessageRole.User)?.Content ?? "";

    /// <summary>What was asked, by which rows of two evaluations are paired.</summary>
    public static string TextHash(Example row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return ContentHash.ShortOf([.. row.Messages.Take(Math.Max(1, row.Messages.Count - 1)).Select(m => m.Content)]);
    }

    /// <summary>The id of a test set, whatever the order of its rows.</summary>
    private static string TestSetOf(IReadOnlyList<Example> test) =>
        ContentHash.ShortOf([
            .. test.Select(r => $"{TextHash(r)} {r.Messages[^1].Content.Trim()}").Order(StringComparer.Ordinal),
        ]);

    private static IEnumerable<RowOutcome> Outcomes(AnsweredRows answered, double[] baseScores, double[] tunedScores) =>
        answered.Test.Select(
            (row, i) =>
                Outcome(row, row.Messages[^1].Content.Trim(), answered.Base[i], answered.Tuned[i]) with
                {
                    BaseScore = Math.Round(baseScores[i], 6),
                    TunedScore = Math.Round(tunedScores[i], 6),
                }
        );

    private static RowOutcome Outcome(Example row, string gold, ModelAnswer @base, ModelAnswer tuned) =>
        new(
            row.Id,
            TextHash(row),
            gold,
            @base.Answer,
            tuned.Answer,
            Rounded(@base.Likelihoods),
            Rounded(tuned.Likelihoods),
            @base.Text,
            tuned.Text
        );

    private static double[] Rounded(IReadOnlyList<double> likelihoods) =>
        [.. likelihoods.Select(l => Math.Round(l, 6))];
}
