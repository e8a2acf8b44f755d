using Pipeline.Contracts;
using Pipeline.Registry.Promotion;

namespace Pipeline.Functions.Tests.Registry.Promotion;

public sealed class VersionLedgerTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private static readonly RegistryPointer Empty = new() { Project = "p" };

    [Fact]
    public void Publish_CalledTwice_GivesTheSame()
    {
        RegistryPointer two = VersionLedger.Allot(
            VersionLedger.Allot(VersionLedger.Allot(Empty, "run-a"), "run-a"),
            "run-b"
        );
        RegistryPointer once = Publish(two, 2, promote: true);

        RegistryPointer twice = Publish(once, 2, promote: false);

        Assert.Equal((1, 2), (two.Allotted["run-a"], two.Allotted["run-b"]));
        Assert.Same(once, twice);
        Assert.Equal([2], twice.Published);
        Assert.Equal((2, "line of 2"), (twice.Champion, twice.Decisions[2]));
        Assert.Single(twice.History);
    }

    [Fact]
    public void Publish_ByTheVerdict_SetsTheStates()
    {
        RegistryPointer registry = Publish(Publish(Empty, 1, promote: true), 2, promote: true);
        registry = Publish(registry, 3, promote: false, GateRule.Champion);
        registry = Publish(registry, 4, promote: false, GateRule.Baseline);

        Assert.Equal(
            [VersionState.Retired, VersionState.Champion, VersionState.Rejected, VersionState.Candidate],
            VersionLedger.List(registry).Select(v => v.State)
        );
        Assert.Equal([(null, 1), (1, 2), (2, 2), (2, 2)], Moves(registry));
        Assert.Equal([1, 1, 2, 2], VersionLedger.List(registry).Select(v => v.TestSet!.Value));
        Assert.Equal([("set-a", 2), ("set-b", 2)], registry.TestSets.Select(t => (t.Id, t.Uses)));
    }

    [Fact]
    public void Promote_RefusedByTheGate_NeedsForce()
    {
        RegistryPointer registry = Publish(Publish(Empty, 1, promote: true), 2, promote: false, GateRule.Champion);

        string refusal = Assert
            .Throws<RegistryException>(() => VersionLedger.Promote(registry, Change(2), force: false))
            .Message;
        RegistryPointer forced = VersionLedger.Promote(registry, Change(2), force: true);

        Assert.Equal("The gate has refused V2: line of 2 Give 'force' to promote it all the same.", refusal);
        Assert.Equal(2, forced.Champion);
        Assert.Equal([VersionState.Retired, VersionState.Champion], VersionLedger.List(forced).Select(v => v.State));
        Assert.Equal(new RegistryEvent(Now, RegistryAction.Promoted, 2, 1, 2, "why"), forced.History[^1]);
        Assert.Contains(
            "is the champion already",
            Assert.Throws<RegistryException>(() => VersionLedger.Promote(forced, Change(2), force: true)).Message
        );
    }

    [Fact]
    public void RollBack_AfterSeveralPromotions_GoesBackOneByOne()
    {
        RegistryPointer registry = Enumerable.Range(1, 3).Aggregate(Empty, (r, v) => Publish(r, v, promote: true));

        RegistryPointer once = VersionLedger.RollBack(registry, "bad answers", Now);
        RegistryPointer twice = VersionLedger.RollBack(once, "worse", Now);

        Assert.Equal((2, 1), (once.Champion, twice.Champion));
        Assert.Equal(
            [VersionState.Champion, VersionState.Retired, VersionState.Retired],
            VersionLedger.List(twice).Select(v => v.State)
        );
        Assert.Equal(new RegistryEvent(Now, RegistryAction.RolledBack, 2, 2, 1, "worse"), twice.History[^1]);
        Assert.Contains(
            "V1 has no champion before it",
            Assert.Throws<RegistryException>(() => VersionLedger.RollBack(twice, "", Now)).Message
        );
    }

    [Fact]
    public void RollBack_TheOneBeforeWasDeleted_GoesFurtherBack()
    {
        RegistryPointer registry = Enumerable.Range(1, 3).Aggregate(Empty, (r, v) => Publish(r, v, promote: true));

        RegistryPointer back = VersionLedger.RollBack(VersionLedger.Delete(registry, Change(2)), "", Now);

        Assert.Equal(1, back.Champion);
    }

    [Fact]
    public void DeleteAndRetire_TheChampion_AreRefused()
    {
        RegistryPointer registry = Publish(Empty, 1, promote: true);

        foreach (
            Func<RegistryPointer, RegistryChange, RegistryPointer> change in (
                (Func<RegistryPointer, RegistryChange, RegistryPointer>[])[VersionLedger.Delete, VersionLedger.Retire]
            )
        )
        {
            Assert.StartsWith(
                "V1 is the champion;",
                Assert.Throws<RegistryException>(() => change(registry, Change(1))).Message
            );
            Assert.Equal(
                "There is no V9 of 'p'; published are V1.",
                Assert.Throws<RegistryException>(() => change(registry, Change(9))).Message
            );
        }
    }

    [Fact]
    public void Allot_TheRunOfADeletedVersion_GetsANewNumber()
    {
        RegistryPointer registry = VersionLedger.Allot(VersionLedger.Allot(Empty, "run-a"), "run-b");
        registry = Publish(Publish(registry, 1, promote: true), 2, promote: false);

        registry = VersionLedger.Allot(VersionLedger.Delete(registry, Change(2)), "run-b");

        Assert.Equal(3, registry.Allotted["run-b"]);
        Assert.Equal([1], registry.Published);
        Assert.Equal(
            "V2 was deleted.",
            Assert.Throws<RegistryException>(() => VersionLedger.Promote(registry, Change(2), false)).Message
        );
    }

    /// <summary>A registry that was written before entries were kept.</summary>
    [Fact]
    public void List_VersionsOfBefore_SaysWhatIsKnown()
    {
        var registry = new RegistryPointer
        {
            Project = "p",
            Champion = 1,
            Published = [1, 2],
            Allotted = new Dictionary<string, int> { ["run-a"] = 1, ["run-b"] = 2 },
            Decisions = new Dictionary<int, string> { [1] = "won", [2] = "lost" },
        };

        Assert.Equal(
            [(1, VersionState.Champion, "run-a", "won"), (2, VersionState.Candidate, "run-b", "lost")],
            VersionLedger.List(registry).Select(v => (v.Version, v.State, v.RunId!, v.Line))
        );
        Assert.Equal(2, VersionLedger.Promote(registry, Change(2), force: false).Champion);
    }

    private static RegistryChange Change(int version) => new(default, version, "why", Now);

    private static RegistryPointer Publish(
        RegistryPointer registry,
        int version,
        bool promote,
        GateRule failing = GateRule.Base
    ) =>
        VersionLedger.Publish(
            registry,
            new VersionEntry
            {
                Version = version,
                State = VersionState.Candidate,
                Line = "",
            },
            SimulatedVersions.Report([]) with
            {
                TestSet = $"set-{(version < 3 ? "a" : "b")}",
            },
            new GateVerdict
            {
                Version = version,
                Champion = registry.Champion,
                Promote = promote,
                Line = $"line of {version}",
                Checks = [new GateCheck(failing, promote, "")],
            },
            Now
        );

    private static IEnumerable<(int?, int?)> Moves(RegistryPointer registry) =>
        registry.History.Select(e => (e.ChampionBefore, e.ChampionAfter));
}
