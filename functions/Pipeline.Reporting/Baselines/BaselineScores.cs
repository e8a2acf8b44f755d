using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;

namespace Pipeline.Reporting.Baselines;

/// <summary>
/// What needs no language model: the most frequent label, and naive Bayes, from the same training rows.
/// </summary>
public static class BaselineScores
{
    public const string Majority = "majority";
    public const string NaiveBayes = "naiveBayes";

    /// <summary>Scores both on the held-out rows.</summary>
    /// <param name="train">Rows to learn from; each has a label.</param>
    /// <param name="test">Held-out rows; each has a label.</param>
    /// <param name="labels">All labels.</param>
    public static IReadOnlyDictionary<string, BaselineScore> Evaluate(
        IReadOnlyList<Example> train,
        IReadOnlyList<Example> test,
        IReadOnlyList<string> labels
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
        return new Dictionary<string, BaselineScore>(StringComparer.Ordinal)
        {
            [Majority] = Score(test, labels, _ => majority),
            [NaiveBayes] = Score(test, labels, e => bayes.Predict(UserText(e))),
        };
    }

    private static BaselineScore Score(
        IReadOnlyList<Example> test,
        IReadOnlyList<string> labels,
        Func<Example, string> predict
    )
    {
        string[] gold = [.. test.Select(e => e.Label!)];
        string[] predicted = [.. test.Select(predict)];
        return new BaselineScore(
            ClassificationMetrics.Accuracy(gold, predicted),
            ClassificationMetrics.MacroF1(ClassificationMetrics.PerLabel(gold, predicted, labels))
        );
    }

    private static string UserText(Example example) => example.Messages.Last(m => m.Role == MessageRole.User).Content;
}
