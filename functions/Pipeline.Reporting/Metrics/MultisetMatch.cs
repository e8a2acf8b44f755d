namespace Pipeline.Reporting.Metrics;

/// <summary>How many items two lists share, each counted as often as both have it.</summary>
/// <param name="Right">In both.</param>
/// <param name="Gold">In the right answer.</param>
/// <param name="Predicted">In the answer given.</param>
public readonly record struct MultisetMatch(int Right, int Gold, int Predicted)
{
    /// <summary>Right over said; 0 for 0/0.</summary>
    public double Precision => Predicted == 0 ? 0 : Right / (double)Predicted;

    /// <summary>Right over gold; 0 for 0/0.</summary>
    public double Recall => Gold == 0 ? 0 : Right / (double)Gold;

    /// <summary>F1; 1 when there is nothing to find and nothing was said.</summary>
    public double F1 => Gold + Predicted == 0 ? 1 : 2.0 * Right / (Gold + Predicted);

    /// <summary>Compares two lists.</summary>
    public static MultisetMatch From<T>(IReadOnlyCollection<T> gold, IReadOnlyCollection<T> predicted)
        where T : notnull
    {
        ArgumentNullException.ThrowIfNull(gold);
        ArgumentNullException.ThrowIfNull(predicted);
        Dictionary<T, int> left = gold.CountBy(g => g).ToDictionary();
        int right = predicted.CountBy(s => s).Sum(s => Math.Min(s.Value, left.GetValueOrDefault(s.Key)));
        return new MultisetMatch(right, gold.Count, predicted.Count);
    }

    /// <summary>Sums, for micro averages.</summary>
    public static MultisetMatch operator +(MultisetMatch a, MultisetMatch b) =>
        new(a.Right + b.Right, a.Gold + b.Gold, a.Predicted + b.Predicted);
}
