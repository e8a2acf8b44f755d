using Pipeline.Contracts;
using Pipeline.Reporting.Metrics;

namespace Pipeline.Functions.Tests.Reporting.Metrics;

/// <summary>
/// Expected numbers by hand; they are what scikit-learn's classification_report prints for the same rows.
/// </summary>
public sealed class ClassificationMetricsTests
{
    private static readonly string[] Labels = ["a", "b", "c"];
    private static readonly string[] Gold = ["a", "a", "a", "b", "b", "c"];
    private static readonly string[] Predicted = ["a", "b", "a", "b", "c", "a"];

    [Fact]
    public void PerLabel_Rows_GivePrecisionRecallAndF1()
    {
        IReadOnlyDictionary<string, LabelScore> scores = ClassificationMetrics.PerLabel(Gold, Predicted, Labels);

        Assert.Equal(new LabelScore(2 / 3.0, 2 / 3.0, 2 / 3.0, 3), scores["a"]);
        Assert.Equal(new LabelScore(0.5, 0.5, 0.5, 2), scores["b"]);
        Assert.Equal(new LabelScore(0, 0, 0, 1), scores["c"]);
        Assert.Equal((2 / 3.0 + 0.5) / 3, ClassificationMetrics.MacroF1(scores), 1e-12);
        Assert.Equal(0.5, ClassificationMetrics.Accuracy(Gold, Predicted), 1e-12);
    }

    [Fact]
    public void Confusion_Rows_CountGoldByAnswer() =>
        Assert.Equal(
            [
                [2, 1, 0],
                [0, 1, 1],
                [1, 0, 0],
            ],
            ClassificationMetrics.Confusion(Gold, Predicted, Labels)
        );

    [Fact]
    public void Accuracy_NoRows_IsRefused() =>
        Assert.Throws<ArgumentException>(() => ClassificationMetrics.Accuracy([], []));
}
