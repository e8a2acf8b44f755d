using Pipeline.Contracts;
using Pipeline.Registry.Promotion;

namespace Pipeline.Functions.Tests.Registry.Promotion;

public sealed class PromotionTestTests
{
    private static PairedDifference Difference(double low, double high) =>
        new((low + high) / 2, new Interval(low, high), 1, 0, 0.5);

    [Fact]
    public void Decide_FirstVersion_IsHeldAgainstTheBase()
    {
        Assert.True(PromotionTest.Decide(Difference(0.1, 0.2), null, null, new()).Promote);
        Assert.False(PromotionTest.Decide(Difference(-0.1, 0.2), null, null, new()).Promote);
        Assert.False(PromotionTest.Decide(Difference(0.1, 0.2), null, null, new() { MinimumGain = 0.15 }).Promote);
    }

    [Fact]
    public void Decide_LaterVersion_IsHeldAgainstTheChampion()
    {
        Assert.True(PromotionTest.Decide(Difference(0.1, 0.2), 3, Difference(0.01, 0.1), new()).Promote);
        (bool promote, string reason) = PromotionTest.Decide(Difference(0.1, 0.2), 3, Difference(-0.01, 0.1), new());
        Assert.False(promote);
        Assert.StartsWith(
            "v3 stays: not proven better (+4.5 points, 95 % interval -1.0 to +10.0",
            reason,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "fewer than 20",
            PromotionTest.Decide(Difference(0.1, 0.2), 3, null, new()).Reason,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void VersionLedger_AskedTwice_GivesTheSame()
    {
        RegistryPointer one = VersionLedger.Allot(
            VersionLedger.Allot(new RegistryPointer { Project = "p" }, "run-a"),
            "run-a"
        );
        RegistryPointer two = VersionLedger.Allot(one, "run-b");
        RegistryPointer published = VersionLedger.Publish(
            VersionLedger.Publish(two, 2, promote: true, "won"),
            2,
            promote: false,
            "lost"
        );

        Assert.Equal((1, 2), (two.Allotted["run-a"], two.Allotted["run-b"]));
        Assert.Equal([2], published.Published);
        Assert.Equal(2, published.Champion);
        Assert.Equal("won", published.Decisions[2]);
        Assert.Equal(2, VersionLedger.Publish(published, 1, promote: false, "lost").Champion);
    }
}
