using Pipeline.Registry.Agreement;

namespace Pipeline.Functions.Tests.Registry.Agreement;

/// <summary>Held against worked examples that are published.</summary>
public sealed class AgreementStatisticsTests
{
    /// <summary>Fifty applications, two readers: 20 both yes, 15 both no, 5 and 10 between.</summary>
    [Fact]
    public void Cohen_TwoReadersOfFiftyApplications_Is04()
    {
        List<(string, string)> pairs =
        [
            .. Enumerable.Repeat(("yes", "yes"), 20),
            .. Enumerable.Repeat(("yes", "no"), 5),
            .. Enumerable.Repeat(("no", "yes"), 10),
            .. Enumerable.Repeat(("no", "no"), 15),
        ];

        Assert.Equal(0.4, AgreementStatistics.Cohen(pairs)!.Value, 1e-12);
    }

    /// <summary>Fourteen raters, ten items, five categories: P = 0.378, Pe = 0.213, kappa = 0.210.</summary>
    [Fact]
    public void Fleiss_FourteenRaters_Is0210()
    {
        int[][] counts =
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ];

        double kappa = AgreementStatistics
            .Fleiss([
                .. counts.Select(c => (IReadOnlyList<string>)[.. c.SelectMany((n, k) => Enumerable.Repeat($"{k}", n))]),
            ])!
            .Value;

        Assert.Equal(0.210, kappa, 0.0005);
    }

    /// <summary>Krippendorff 2011, section A: two observers, ten items, two values: 0.095.</summary>
    [Fact]
    public void Krippendorff_TwoObserversBinary_Is0095() =>
        Assert.Equal(0.095, Alpha("0100000010", "1110010000"), 0.0005);

    /// <summary>Krippendorff 2011, section B: two observers, twelve items, five values: 0.692.</summary>
    [Fact]
    public void Krippendorff_TwoObserversNominal_Is0692() =>
        Assert.Equal(0.692, Alpha("aabbdcccedda", "babbbccceddd"), 0.0005);

    /// <summary>Krippendorff 2011, section C: four observers, twelve items, values missing: 0.743.</summary>
    [Fact]
    public void Krippendorff_FourObserversWithMissingValues_Is0743() =>
        Assert.Equal(0.743, Alpha("123321412***", "1233224125*3", "*3332342251*", "12332441251*"), 0.0005);

    [Fact]
    public void All_NothingToCompare_IsUnknown()
    {
        Assert.Null(AgreementStatistics.Cohen([]));
        Assert.Null(AgreementStatistics.Cohen([("a", "a"), ("a", "a")]));
        Assert.Null(
            AgreementStatistics.Fleiss([
                ["a"],
                [],
            ])
        );
        Assert.Null(
            AgreementStatistics.Krippendorff([
                ["a"],
                ["b"],
            ])
        );
        Assert.Null(
            AgreementStatistics.Krippendorff([
                ["a", "a"],
                ["a", "a"],
            ])
        );
        Assert.Equal(
            1,
            AgreementStatistics.Krippendorff([
                ["a", "a"],
                ["b", "b"],
            ])
        );
    }

    private static double Alpha(params string[] observers) =>
        AgreementStatistics
            .Krippendorff([
                .. Enumerable
                    .Range(0, observers[0].Length)
                    .Select(i => (IReadOnlyList<string>)[.. observers.Select(o => $"{o[i]}").Where(v => v != "*")]),
            ])!
            .Value;
}
