using MathNet.Numerics.Distributions;
using Pipeline.Contracts;

namespace Pipeline.Reporting.Statistics;

/// <summary>Two models on the same rows.</summary>
public static class PairedComparison
{
    /// <summary>
    /// Second minus first, with a paired bootstrap interval and the exact McNemar test (McNemar 1947; two-sided
    /// binomial).
    /// </summary>
    /// <param name="first">Whether the first model had each row right.</param>
    /// <param name="second">The same for the second.</param>
    /// <param name="resamples">How often rows are drawn anew.</param>
    public static PairedDifference Compare(IReadOnlyList<bool> first, IReadOnlyList<bool> second, int resamples)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfNotEqual(second.Count, first.Count);
        return Compare(
            [.. first.Select(f => f ? 1.0 : 0)],
            (IReadOnlyList<double>)[.. second.Select(s => s ? 1.0 : 0)],
            resamples
        );
    }

    /// <summary>The same for scores: the test is then the sign test, which rows of equal score leave out.</summary>
    /// <param name="first">The first model's score on each row.</param>
    /// <param name="second">The same for the second.</param>
    /// <param name="resamples">How often rows are drawn anew.</param>
    public static PairedDifference Compare(IReadOnlyList<double> first, IReadOnlyList<double> second, int resamples)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfNotEqual(second.Count, first.Count);
        double[] differences = [.. first.Zip(second, (a, b) => b - a)];
        int won = differences.Count(d => d > 0);
        int lost = differences.Count(d => d < 0);
        (Interval interval, double lowerBound) = Bootstrap.MeanBounds(differences, resamples);
        return new PairedDifference(differences.Average(), interval, won, lost, McNemar(won, lost))
        {
            LowerBound = lowerBound,
        };
    }

    /// <summary>Probability of a split at least as uneven when neither model is better, 0 to 1.</summary>
    public static double McNemar(int won, int lost) =>
        won + lost == 0 ? 1 : Math.Min(1, 2 * Binomial.CDF(0.5, won + lost, Math.Min(won, lost)));
}
