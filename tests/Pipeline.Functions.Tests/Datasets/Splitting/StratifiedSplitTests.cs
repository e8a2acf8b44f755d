using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Functions.Tests.Datasets.Splitting;

public sealed class StratifiedSplitTests
{
    private static List<Example> Rows(params (string Label, int Count)[] labels) =>
        [.. labels.SelectMany(l => Enumerable.Range(0, l.Count).Select(i => new Example
        {
            Id = $"{l.Label}{i}", Messages = [], Text = $"{l.Label} text {i}", Label = l.Label, Source = new RowPlace("f", i, i),
        }))];

    [Fact]
    public void Divide_Labels_KeepTheirShares()
    {
        (IReadOnlyList<Example> train, IReadOnlyList<Example> validation, IReadOnlyList<Example> test) = StratifiedSplit.Divide(Rows(("a", 100), ("b", 20), ("c", 3)), 0.1, 0.2, 1);

        Assert.Equal([20, 4, 1], "abc".Select(l => test.Count(e => e.Label == l.ToString())));
        Assert.Equal([10, 2, 1], "abc".Select(l => validation.Count(e => e.Label == l.ToString())));
        Assert.Equal(123, train.Count + validation.Count + test.Count);
        Assert.Equal(123, train.Concat(validation).Concat(test).Select(e => e.Id).Distinct().Count());
    }

    [Fact]
    public void Divide_MoreRows_LeavesMostRowsWhereTheyWere()
    {
        HashSet<string> before = [.. StratifiedSplit.Divide(Rows(("a", 1000)), 0, 0.2, 1).Test.Select(e => e.Id)];

        IReadOnlyList<Example> after = StratifiedSplit.Divide(Rows(("a", 1010)), 0, 0.2, 1).Test;

        Assert.True(after.Count(e => before.Contains(e.Id)) >= 195);
    }

    [Fact]
    public void Divide_OtherSeed_GivesOtherRows() =>
        Assert.NotEqual(
            StratifiedSplit.Divide(Rows(("a", 100)), 0, 0.2, 1).Test.Select(e => e.Id),
            StratifiedSplit.Divide(Rows(("a", 100)), 0, 0.2, 2).Test.Select(e => e.Id));
}
