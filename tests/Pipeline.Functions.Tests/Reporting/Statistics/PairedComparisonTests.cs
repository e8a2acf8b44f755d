using Pipeline.Contracts;
using Pipeline.Reporting.Statistics;

namespace Pipeline.Functions.Tests.Reporting.Statistics;

public sealed class PairedComparisonTests
{
    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(5, 5, 1)]
    [InlineData(1, 9, 0.021484375)] // 2 · (1 + 10) / 2^10
    [InlineData(9, 1, 0.021484375)]
    [InlineData(0, 10, 0.001953125)]
    public void McNemar_Splits_AreTheExactBinomial(int won, int lost, double p) =>
        Assert.Equal(p, PairedComparison.McNemar(won, lost), 1e-12);

    [Fact]
    public void Compare_BetterOnMostRows_ExcludesZero()
    {
        bool[] first = [.. Enumerable.Range(0, 200).Select(i => i % 2 == 0)];
        bool[] second = [.. Enumerable.Range(0, 200).Select(i => i % 2 == 0 || i % 4 == 1)];

        PairedDifference difference = PairedComparison.Compare(first, second, 2000);

        Assert.Equal((0.25, 50, 0), (difference.Mean, difference.Won, difference.Lost));
        Assert.InRange(difference.Interval.Low, 0.17, 0.21);
        Assert.InRange(difference.Interval.High, 0.29, 0.33);
    }

    [Fact]
    public void MeanInterval_OfAccuracy_IsNearTheNormalOne()
    {
        double[] rows = [.. Enumerable.Range(0, 1000).Select(i => i < 700 ? 1.0 : 0)];

        Interval interval = Bootstrap.MeanInterval(rows, 5000);

        double half = 1.96 * Math.Sqrt(0.7 * 0.3 / 1000);
        Assert.Equal(0.7 - half, interval.Low, 0.004);
        Assert.Equal(0.7 + half, interval.High, 0.004);
        Assert.Equal(interval, Bootstrap.MeanInterval(rows, 5000));
    }
}
