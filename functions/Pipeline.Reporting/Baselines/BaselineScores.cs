using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;
using Pipeline.Reporting.Statistics;

namespace Pipeline.Reporting.Baselines;

/// <summary>
/// What needs no language model, from the same training rows: the most frequent label, naive Bayes, a linear model.
/// </summary>
public static class BaselineScores
{
    /// <summary>The linear model of a dataset.</summary>
    /// <param name="train">Rows to learn from.</param>
    /// <param name="labels">All labels; empty for tasks without.</param>
    /// <returns><c>null</c>: the task has no labels, or the rows have only one.</returns>
    public static LinearModel? TrainLinear(IReadOnlyList<Example> train, IReadOnlyList<string> labels)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(labels);
        return labels.Count == 0 || train.DistinctBy(e => e.Label).Count() < 2
            ? null
            : LinearModel.Train([.. train.Select(e => (UserText(e), e.Label!))]);
    }

    /// <summary>Answers of every baseline to the held-out rows, by the baseline's name.</summary>
    /// <param name="train">Rows to learn from; each has a label.</param>
    /// <param name="test">Held-out rows; each has a label.</param>
    /// <param name="linear">What <see cref="TrainLinear"/> gave.</param>
    public static IReadOnlyDictionary<Baseline, string[]> Answers(
        IReadOnlyList<Example> train,
        IReadOnlyList<Example> test,
        LinearModel? linear
    )
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        string majority = train
            .CountBy(e => e.Label!)
            .OrderByDescending(c => c.Value)
            .ThenBy(c => c.Key, StringComparer.Ordinal)
            .First()
            .Key;
        var bayes = new NaiveBayes(train.Select(e => (UserText(e), e.Label!)));
        var answers = new Dictionary<Baseline, string[]>
        {
            [Baseline.Majority] = [.. test.Select(_ => majority)],
            [Baseline.NaiveBayes] = [.. test.Select(e => bayes.Predict(UserText(e)))],
        };
        if (linear is not null)
        {
            answers[Baseline.Linear] = [.. test.Select(e => linear.Predict(UserText(e)))];
        }

        return answers;
    }

    /// <summary>A baseline's score beside the tuned model's.</summary>
    /// <param name="gold">Right labels.</param>
    /// <param name="answers">The baseline's.</param>
    /// <param name="tuned">The tuned model's.</param>
    /// <param name="labels">All labels.</param>
    /// <param name="resamples">Of the bootstrap.</param>
    public static BaselineScore Score(
        string[] gold,
        string[] answers,
        string[] tuned,
        IReadOnlyList<string> labels,
        int resamples
    ) =>
        new(
            ClassificationMetrics.Accuracy(gold, answers),
            ClassificationMetrics.MacroF1(ClassificationMetrics.PerLabel(gold, answers, labels))
        )
        {
            TunedGain = PairedComparison.Compare(Right(gold, answers), Right(gold, tuned), resamples),
        };

    private static bool[] Right(string[] gold, string[] answers) => [.. gold.Zip(answers, (g, a) => g == a)];

    private static string UserText(Example example) => example.Messages.Last(m => m.Role == MessageRole.User).Content;
}
