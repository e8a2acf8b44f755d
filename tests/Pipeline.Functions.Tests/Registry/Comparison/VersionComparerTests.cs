using MathNet.Numerics.Random;
using Pipeline.Contracts;
using Pipeline.Functions.Tests.Registry.Promotion;
using Pipeline.Registry.Comparison;

namespace Pipeline.Functions.Tests.Registry.Comparison;

public sealed class VersionComparerTests
{
    [Fact]
    public void Compare_BetterVersion_SaysByHowMuchAndOnWhichRows()
    {
        VersionComparison comparison = Compare([12, 12, 12], 1000);

        Assert.StartsWith("V17 is better than V16: +", comparison.Line);
        Assert.Contains(" points on 1000 held-out rows (95 % interval +", comparison.Line);
        Assert.StartsWith("V17 replaces V16 as champion", comparison.Gate);
        Assert.Equal(5, comparison.Won.Count);
        Assert.All(comparison.Won, r => Assert.Equal((r.Gold, "x"), (r.Newer, r.Older)));
        Assert.All(comparison.Lost, r => Assert.Equal((r.Gold, "x"), (r.Older, r.Newer)));
        Assert.All(comparison.Won, r => Assert.StartsWith("asks row hash-", r.Text));
        Assert.Equal(["a", "b", "c"], comparison.Labels.Select(l => l.Label));
        Assert.Equal(1000, comparison.Labels.Sum(l => l.Rows));
        Assert.Equal(comparison.Difference!.Mean, comparison.NewerScore.Score - comparison.OlderScore.Score, 1e-12);
    }

    [Fact]
    public void Compare_VersionThatLosesALabel_NamesIt() =>
        Assert.Matches("; it is worse on 'c' \\(-.* points, -.* to -.*\\)\\.$", Compare([20, 15, -20], 2000).Line);

    /// <summary>Added rows move some between the parts of a split: the older version may know them.</summary>
    [Theory]
    [InlineData(
        7,
        "V16 was trained on 7 of these rows, which V17 was not: its figures are better than they are on new texts."
    )]
    [InlineData(0, "Neither version was trained on any of the 100 rows.")]
    public void Compare_RowsThatTheOlderVersionWasTrainedOn_AreCountedAndSaid(int known, string note)
    {
        (EvaluationReport older, EvaluationReport newer) = SimulatedVersions.Versions(
            100,
            SimulatedVersions.Equally,
            new MersenneTwister(1)
        );
        HashSet<string> trained = [.. newer.Outcomes.Take(known).Select(o => o.TextHash), "the hash of another text"];

        VersionComparison comparison = Compare(Files(16, older) with { TrainedOn = trained }, Files(17, newer), 5);

        Assert.Equal(known, comparison.RowsOlderWasTrainedOn);
        Assert.Contains(note, comparison.Notes);
        Assert.Null(Compare(Files(16, older), Files(17, newer), 5).RowsOlderWasTrainedOn);
    }

    [Fact]
    public void Compare_EqualVersions_ProvesNothing() =>
        Assert.StartsWith("V17 is not proven better or worse than V16: ", Compare(SimulatedVersions.Equally, 300).Line);

    [Fact]
    public void Compare_OtherRowsOnly_SaysThatNothingCanBeCompared()
    {
        (EvaluationReport older, EvaluationReport newer) = SimulatedVersions.Versions(
            50,
            SimulatedVersions.Equally,
            new MersenneTwister(1)
        );
        EvaluationReport others = newer with
        {
            TestSet = "other",
            Outcomes = [.. newer.Outcomes.Select(o => o with { TextHash = "other " + o.TextHash })],
        };

        VersionComparison comparison = Compare(Files(16, older), Files(17, others), 5);

        Assert.Equal("V16 and V17 have answered no held-out row in common; nothing can be compared.", comparison.Line);
        Assert.Null(comparison.Difference);
        Assert.Contains(comparison.Notes, n => n.StartsWith("They were measured on different held-out rows"));
    }

    [Fact]
    public void Compare_WhatTheyAreMadeOf_ListsOnlyDifferences()
    {
        EvaluationReport report = SimulatedVersions.Report([("a", true)]) with { TestSet = "t" };
        VersionFiles older = Files(16, report) with
        {
            Manifest = Manifest(80, new ProjectSettings()),
            Proof = Proof(("Pipeline.Training", "1"), ("Pipeline.Model", "1")),
        };
        VersionFiles newer = Files(17, report) with
        {
            Manifest = Manifest(100, new ProjectSettings { Training = new TrainingSettings { Epochs = 5 } }),
            Proof = Proof(("Pipeline.Training", "2"), ("Pipeline.Model", "1")),
        };

        IReadOnlyList<VersionChange> changes = Compare(older, newer, 5).Changes;

        Assert.Equal(
            [
                new VersionChange(ChangeArea.Data, "dataset", "d80", "d100"),
                new VersionChange(ChangeArea.Data, "rows of label 'a'", "80", "100"),
                new VersionChange(ChangeArea.Data, "rows read", "80", "100"),
                new VersionChange(ChangeArea.Data, "rows to train", "80", "100"),
                new VersionChange(ChangeArea.Settings, "training.epochs", "3", "5"),
                new VersionChange(ChangeArea.Code, "Pipeline.Training", "1", "2"),
            ],
            changes
        );
        Assert.Empty(Compare(older, older, 5).Changes);
    }

    private static VersionComparison Compare(double[] points, int rows, int shown = 5)
    {
        (EvaluationReport older, EvaluationReport newer) = SimulatedVersions.Versions(
            rows,
            points,
            new MersenneTwister(1)
        );
        return Compare(Files(16, older), Files(17, newer), shown);
    }

    private static VersionComparison Compare(VersionFiles older, VersionFiles newer, int shown) =>
        VersionComparer.Compare(
            "p",
            older,
            newer,
            newer.Evaluation.Outcomes.ToDictionary(o => o.Id, o => $"asks row {o.TextHash}"),
            shown
        );

    private static VersionFiles Files(int version, EvaluationReport report) =>
        new(
            new VersionEntry
            {
                Version = version,
                State = VersionState.Candidate,
                Line = "",
            },
            report,
            null,
            null,
            null
        );

    private static AdapterProof Proof(params (string Name, string Id)[] code) =>
        new()
        {
            Checks = [],
            DatasetId = "d",
            Base = new Dictionary<string, string>(),
            TrainingSha256 = "",
            AdapterSha256 = "",
            Code = code.ToDictionary(c => c.Name, c => c.Id),
        };

    private static DatasetManifest Manifest(int rows, ProjectSettings settings) =>
        new()
        {
            DatasetId = $"d{rows}",
            Project = "p",
            Task = TaskKind.Classification,
            Labels = ["a"],
            SystemPrompt = "",
            Columns = new ColumnReading("text", "label", true),
            Sources = [new SourceFile("a.csv", 1, "abc")],
            Rows = new RowCounts(rows, rows, 0, 0, rows, 0, 0),
            Reasons = new Dictionary<string, int>(),
            RowsByLabel = new Dictionary<string, int> { ["a"] = rows },
            Base = "b",
            Template = "llama2",
            TokenizerSha256 = "",
            LongestTokens = 1,
            Files = new Dictionary<string, string>(),
            Settings = settings,
        };
}
