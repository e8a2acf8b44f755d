using MathNet.Numerics.Random;
using MathNet.Numerics.Statistics;
using Pipeline.Contracts;

namespace Pipeline.Reporting.Statistics;

/// <summary>
/// Percentile bootstrap over rows. Source: Efron and Tibshirani 1993, chapter 13. Seeded: the same rows give the same
/// interval.
/// </summary>
public static class Bootstrap
{
    private const int Seed = 20_260_101;

    /// <summary>95 % interval of the mean of one value a row.</summary>
    /// <param name="values">A row's value: 1 right, 0 wrong, or a paired difference.</param>
    /// <param name="resamples">How often rows are drawn anew.</param>
    public static Interval MeanInterval(IReadOnlyList<double> values, int resamples) =>
        MeanBounds(values, resamples).Interval;

    /// <summary>The same, and the one-sided 95 % bound from below.</summary>
    /// <param name="values">A row's value.</param>
    /// <param name="resamples">How often rows are drawn anew.</param>
    public static (Interval Interval, double LowerBound) MeanBounds(IReadOnlyList<double> values, int resamples)
    {
        double[] means = Means(values, resamples);
        double At(double share) => SortedArrayStatistics.Quantile(means, share);
        return (new Interval(At(0.025), At(0.975)), At(0.05));
    }

    private static double[] Means(IReadOnlyList<double> values, int resamples)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfZero(values.Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(resamples, 1);
        var random = new MersenneTwister(Seed, threadSafe: false);
        double[] rows = [.. values];
        var means = new double[resamples];
        for (int i = 0; i < resamples; i++)
        {
            double sum = 0;
            for (int k = 0; k < rows.Length; k++)
            {
                sum += rows[(int)(random.NextDouble() * rows.Length)]; // Next(n) takes ten times as long
            }

            means[i] = sum / rows.Length;
        }

        Array.Sort(means);
        return means;
    }
}
