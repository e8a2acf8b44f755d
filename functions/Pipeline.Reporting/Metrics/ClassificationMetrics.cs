using Pipeline.Contracts;

namespace Pipeline.Reporting.Metrics;

/// <summary>
/// Accuracy, macro-F1, and precision, recall and F1 a label, as scikit-learn's <c>precision_recall_fscore_support</c>
/// has them with zero for 0/0.
/// </summary>
public static class ClassificationMetrics
{
    /// <summary>Share of rows answered right, 0 to 1.</summary>
    public static double Accuracy(IReadOnlyList<string> gold, IReadOnlyList<string> predicted)
    {
        RequireSameLength(gold, predicted);
        return gold.Zip(predicted).Count(p => p.First == p.Second) / (double)gold.Count;
    }

    /// <summary>
    /// Scores a label. A label that is neither gold nor predicted scores 0 and counts in the macro mean.
    /// </summary>
    public static IReadOnlyDictionary<string, LabelScore> PerLabel(
        IReadOnlyList<string> gold,
        IReadOnlyList<string> predicted,
        IReadOnlyList<string> labels
    )
    {
        RequireSameLength(gold, predicted);
        ArgumentNullException.ThrowIfNull(labels);
        return labels.ToDictionary(
            label => label,
            label =>
            {
                int right = gold.Zip(predicted).Count(p => p.First == label && p.Second == label);
                int answered = predicted.Count(p => p == label);
                int support = gold.Count(g => g == label);
                return new LabelScore(
                    Share(right, answered),
                    Share(right, support),
                    Share(2 * right, answered + support),
                    support
                );
            },
            StringComparer.Ordinal
        );
    }

    /// <summary>Mean F1 over labels.</summary>
    public static double MacroF1(IReadOnlyDictionary<string, LabelScore> perLabel)
    {
        ArgumentNullException.ThrowIfNull(perLabel);
        return perLabel.Count == 0 ? 0 : perLabel.Values.Average(s => s.F1);
    }

    /// <summary>
    /// <c>[gold][predicted]</c> counts in the order of the labels; answers that are no label are left out.
    /// </summary>
    public static IReadOnlyList<IReadOnlyList<int>> Confusion(
        IReadOnlyList<string> gold,
        IReadOnlyList<string> predicted,
        IReadOnlyList<string> labels
    )
    {
        RequireSameLength(gold, predicted);
        ArgumentNullException.ThrowIfNull(labels);
        Dictionary<string, int> index = labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        var counts = new int[labels.Count][];
        for (int i = 0; i < counts.Length; i++)
        {
            counts[i] = new int[labels.Count];
        }

        foreach ((string right, string answer) in gold.Zip(predicted))
        {
            if (index.TryGetValue(right, out int row) && index.TryGetValue(answer, out int column))
            {
                counts[row][column]++;
            }
        }

        return counts;
    }

    private static double Share(int part, int whole) => whole == 0 ? 0 : part / (double)whole;

    private static void RequireSameLength(IReadOnlyList<string> gold, IReadOnlyList<string> predicted)
    {
        ArgumentNullException.ThrowIfNull(gold);
        ArgumentNullException.ThrowIfNull(predicted);
        if (gold.Count == 0 || gold.Count != predicted.Count)
        {
            throw new ArgumentException(
                $"{gold.Count} gold and {predicted.Count} predicted answers; as many of each are needed, and at "
                    + "least one.",
                nameof(predicted)
            );
        }
    }
}
