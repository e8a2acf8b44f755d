using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Functions.Tests.Datasets.Splitting;

public sealed class StratifiedSplitTests
{
    private static List<Example> Rows(params (string Label, int Count)[] labels) =>
        [
            .. labels.SelectMany(l =>
                Enumerable
                    .Range(0, l.Count)
                    .Select(i => new Example
                    {
                        Id = $"{l.Label}{i}",
                        Messages = [],
                        Text = $"{l.Label} text {i}",
                        Label = l.Label,
                        Source = new RowPlace("f", i, i),
                    })
            ),
        ];

    private static (
        IReadOnlyList<Example> Train,
        IReadOnlyList<Example> Validation,
        IReadOnlyList<Example> Test
    ) Divide(List<Example> rows, double validation, double test, int seed, int[]? clusters = null) =>
        Divide(
            rows,
            StratifiedSplit.Divide(
                [.. rows.Select(r => new SplitRow(r.Label![0], StratifiedSplit.OrderOf(seed, r.Text), 1))],
                clusters ?? [.. Enumerable.Range(0, rows.Count)],
                validation,
                test
            )
        );

    private static (IReadOnlyList<Example>, IReadOnlyList<Example>, IReadOnlyList<Example>) Divide(
        List<Example> rows,
        Split[] places
    )
    {
        List<Example> At(Split split) => [.. rows.Where((_, i) => places[i] == split)];
        return (At(Split.Train), At(Split.Validation), At(Split.Test));
    }

    [Fact]
    public void Divide_Clusters_AreNeverParted()
    {
        List<Example> rows = Rows(("a", 200), ("b", 100));
        // one of 60, the others of 4
        int[] clusters = [.. Enumerable.Range(0, 300).Select(i => i < 60 ? 0 : i - (i % 4))];

        (IReadOnlyList<Example> train, IReadOnlyList<Example> validation, IReadOnlyList<Example> test) = Divide(
            rows,
            0.1,
            0.2,
            3,
            clusters
        );

        Dictionary<string, int> clusterOf = rows.Index().ToDictionary(r => r.Item.Id, r => clusters[r.Index]);
        IReadOnlyList<Example>[] splits = [train, validation, test];
        Assert.All(clusters.Distinct(), c => Assert.Single(splits, s => s.Any(e => clusterOf[e.Id] == c)));
        Assert.Contains(train, e => clusterOf[e.Id] == 0); // it would fill the test set by itself
        Assert.InRange(test.Count, 56, 68);
        Assert.InRange(validation.Count, 26, 36);
    }

    [Fact]
    public void Divide_SmallLabelWithANearDuplicatePair_StillTrains()
    {
        (IReadOnlyList<Example> train, _, _) = Divide(
            Rows(("a", 60), ("b", 3)),
            0.1,
            0.15,
            1,
            [.. Enumerable.Range(0, 62), 61]
        );

        Assert.Contains(train, e => e.Label == "b");
    }

    [Fact]
    public void Divide_Labels_KeepTheirShares()
    {
        (IReadOnlyList<Example> train, IReadOnlyList<Example> validation, IReadOnlyList<Example> test) = Divide(
            Rows(("a", 100), ("b", 20), ("c", 3)),
            0.1,
            0.2,
            1
        );

        Assert.Equal([20, 4, 1], "abc".Select(l => test.Count(e => e.Label == l.ToString())));
        Assert.Equal([10, 2, 1], "abc".Select(l => validation.Count(e => e.Label == l.ToString())));
        Assert.Equal(123, train.Count + validation.Count + test.Count);
        Assert.Equal(123, train.Concat(validation).Concat(test).Select(e => e.Id).Distinct().Count());
    }

    [Fact]
    public void Divide_MoreRows_LeavesMostRowsWhereTheyWere()
    {
        HashSet<string> before = [.. Divide(Rows(("a", 1000)), 0, 0.2, 1).Test.Select(e => e.Id)];

        IReadOnlyList<Example> after = Divide(Rows(("a", 1010)), 0, 0.2, 1).Test;

        Assert.True(after.Count(e => before.Contains(e.Id)) >= 195);
    }

    [Fact]
    public void Divide_OtherSeed_GivesOtherRows() =>
        Assert.NotEqual(
            Divide(Rows(("a", 100)), 0, 0.2, 1).Test.Select(e => e.Id),
            Divide(Rows(("a", 100)), 0, 0.2, 2).Test.Select(e => e.Id)
        );
}
