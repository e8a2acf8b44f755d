using Pipeline.Contracts;
using Pipeline.Reporting.Baselines;
using Pipeline.Reporting.Metrics;
using Pipeline.Reporting.Statistics;

namespace Pipeline.Reporting.Evaluations;

/// <summary>Answers of base and tuned on the same rows to the report that is published.</summary>
public static class EvaluationBuilder
{
    /// <summary>Builds the report.</summary>
    /// <param name="manifest">The dataset's.</param>
    /// <param name="train">Rows trained on, for the baselines.</param>
    /// <param name="test">Held-out rows.</param>
    /// <param name="baseAnswers">One a test row, in order.</param>
    /// <param name="tunedAnswers">One a test row, in order.</param>
    /// <param name="settings">How it is measured.</param>
    /// <param name="training">What the training cost.</param>
    public static EvaluationReport Build(
        DatasetManifest manifest, IReadOnlyList<Example> train, IReadOnlyList<Example> test, IReadOnlyList<ModelAnswer> baseAnswers,
        IReadOnlyList<ModelAnswer> tunedAnswers, EvaluationSettings settings, TrainingSummary training)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(settings);
        string[] gold = [.. test.Select(e => e.Messages[^1].Content.Trim())];
        string[] tuned = [.. tunedAnswers.Select(a => a.Answer)];
        bool[] baseRight = [.. baseAnswers.Zip(gold, (a, g) => a.Answer == g)];
        bool[] tunedRight = [.. tunedAnswers.Zip(gold, (a, g) => a.Answer == g)];
        return new EvaluationReport
        {
            Task = manifest.Task,
            Base = manifest.Base,
            DatasetId = manifest.DatasetId,
            Labels = manifest.Labels,
            BaseScore = Score(gold, baseAnswers, manifest.Labels, settings),
            TunedScore = Score(gold, tunedAnswers, manifest.Labels, settings),
            Difference = PairedComparison.Compare(baseRight, tunedRight, settings.BootstrapSamples),
            Baselines = manifest.Labels.Count > 0 ? BaselineScores.Of(train, test, manifest.Labels) : new Dictionary<string, BaselineScore>(),
            Confusion = ClassificationMetrics.Confusion(gold, tuned, manifest.Labels),
            Outcomes = [.. test.Select((e, i) => Outcome(e, gold[i], baseAnswers[i], tunedAnswers[i]))],
            Training = training,
        };
    }

    /// <summary>One model's score.</summary>
    /// <param name="test">Held-out rows.</param>
    /// <param name="answers">One a row, in order.</param>
    /// <param name="labels">All labels; empty for free answers.</param>
    /// <param name="settings">How it is measured.</param>
    public static ModelScore Score(IReadOnlyList<Example> test, IReadOnlyList<ModelAnswer> answers, IReadOnlyList<string> labels, EvaluationSettings settings) =>
        Score([.. test.Select(e => e.Messages[^1].Content.Trim())], answers, labels, settings);

    private static ModelScore Score(string[] gold, IReadOnlyList<ModelAnswer> answers, IReadOnlyList<string> labels, EvaluationSettings settings)
    {
        string[] said = [.. answers.Select(a => a.Answer)];
        double[] right = [.. said.Zip(gold, (s, g) => s == g ? 1.0 : 0)];
        IReadOnlyDictionary<string, LabelScore> perLabel = ClassificationMetrics.PerLabel(gold, said, labels);
        double nll = -answers.Sum(a => a.GoldLogLikelihood) / answers.Sum(a => a.GoldTokens);
        return new ModelScore(
            right.Average(), labels.Count > 0 ? ClassificationMetrics.MacroF1(perLabel) : null, Bootstrap.MeanInterval(right, settings.BootstrapSamples), nll, Math.Exp(nll),
            settings.Generate ? answers.Zip(gold, (a, g) => a.Text?.Trim() == g ? 1.0 : 0).Average() : null,
            settings.Generate ? answers.Average(a => a.Stopped ? 1.0 : 0) : null,
            perLabel);
    }

    private static RowOutcome Outcome(Example row, string gold, ModelAnswer @base, ModelAnswer tuned) =>
        new(row.Id, ContentHash.ShortOf([.. row.Messages.SkipLast(1).Select(m => m.Content)]), gold, @base.Answer, tuned.Answer, Rounded(@base.Likelihoods), Rounded(tuned.Likelihoods), @base.Text, tuned.Text);

    private static double[] Rounded(IReadOnlyList<double> likelihoods) => [.. likelihoods.Select(l => Math.Round(l, 6))];
}
