namespace Pipeline.Reporting.Metrics;

/// <summary>How many items two lists share, each counted as often as both have it.</summary>
/// <param name="Right">In both.</param>
/// <param name="Gold">In the right answer.</param>
/// <param name="Said">In the answer given.</param>
public readonly record struct MultisetMatch(int Right, int Gold, int Said)
{
    /// <summary>Right over said; 0 for 0/0.</summary>
    public double Precision => Said == 0 ? 0 : Right / (double)Said;

    /// <summary>Right over gold; 0 for 0/0.</summary>
    public double Recall => Gold == 0 ? 0 : Right / (double)Gold;

    /// <summary>F1; 1 when there is nothing to find and nothing was said.</summary>
    public double F1 => Gold + Said == 0 ? 1 : 2.0 * Right / (Gold + Said);

    /// <summary>Compares two lists.</summary>
    public static MultisetMatch From<T>(IReadOnlyCollection<T> gold, IReadOnlyCollection<T> said)
        where T : notnull
    {
        ArgumentNullException.ThrowIfNull(gold);
        ArgumentNullException.ThrowIfNull(said);
        Dictionary<T, int> left = gold.CountBy(g => g).ToDictionary();
        int right = said.CountBy(s => s).Sum(s => Math.Min(s.Value, left.GetValueOrDefault(s.Key)));
        return new MultisetMatch(right, gold.Count, said.Count);
    }

    /// <summary>Sums, for micro averages.</summary>
    public static MultisetMatch operator +(MultisetMatch a, MultisetMatch b) =>
        new(a.Right + b.Right, a.Gold + b.Gold, a.Said + b.Said);
}
