using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>Texts that are nearly the same never stand on both sides of the split.</summary>
public sealed class NearDuplicateDatasetTests
{
    [Fact]
    public void Build_NearDuplicatesOfTheTestSet_AreRejected()
    {
        string csv =
            "text,label\n"
            + Filler("pos", 12)
            + Filler("neg", 12)
            + "RT @x the crew was friendly and the seat was wide http://t.co/1,pos\n";
        string test =
            "text,label\nThe crew was friendly and the seat was wide!,pos\nlost my luggage for three whole days,neg\n";

        BuiltDataset build = Build(
            csv,
            new ProjectSettings { Split = new SplitSettings { TestFile = "test.csv" } },
            test
        );

        RejectedRow left = Assert.Single(build.Rejected());
        Assert.Equal(
            ("a.csv#25", RejectionOutcome.Duplicate, RejectionReason.NearDuplicate, "test.csv#1"),
            (left.Id, left.Outcome, left.Reason, left.DuplicateOf)
        );
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Theory]
    [InlineData(NearDuplicateRule.Group, 3)]
    [InlineData(NearDuplicateRule.Drop, 1)]
    public void Build_NearDuplicates_StayTogetherOrTheFirstStays(NearDuplicateRule nearDuplicates, int left)
    {
        string csv =
            "text,label\n"
            + Filler("pos", 30)
            + Filler("neg", 30)
            + "the crew was friendly and the seat was wide,pos\n"
            + "The crew was friendly and the seat was wide http://t.co/2,pos\n"
            + "@y the crew was friendly and the seat was wide!,neg\n";

        BuiltDataset build = Build(
            csv,
            new ProjectSettings { Validation = new ValidationSettings { NearDuplicates = nearDuplicates } }
        );

        string[] files = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        int Crew(string file) =>
            build.Text(file).Split('\n').Count(l => l.Contains("crew was", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(left, files.Sum(Crew));
        Assert.Single(files, f => Crew(f) > 0);
        Assert.Equal(
            nearDuplicates == NearDuplicateRule.Group
                ? new NearDuplicateCounts(1, 3, 3, 1)
                : new NearDuplicateCounts(0, 0, 0, 0),
            build.Manifest.NearDuplicates
        );
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_FreeAnswersToOneQuestion_AreAllKeptOnOneSide()
    {
        string rows = string.Concat(
            Enumerable
                .Range(0, 40)
                .Select(i =>
                    $$"""{"instruction": "Tell me a joke about number {{i % 10}} please", "output": "Joke {{i}}."}"""
                    + "\n"
                )
        );

        BuiltDataset build = BuiltDataset.From(
            Request(new ProjectSettings(), new RawFile("a.jsonl", Encoding.UTF8.GetBytes(rows)))
        );

        Assert.Equal(40, build.Manifest.Rows.Accepted);
        string[] files = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        Assert.All(
            Enumerable.Range(0, 10),
            n => Assert.Single(files, f => build.Text(f).Contains($"number {n} please", StringComparison.Ordinal))
        );
    }

    /// <summary>
    /// Templates with many near-duplicates on the border of the threshold: the audit, which clusters anew, finds no
    /// leak.
    /// </summary>
    [Fact]
    public void Build_ManyNearDuplicatesAtTheThreshold_LeakNothingTheAuditFinds()
    {
        var random = new Random(3);
        string[] templates =
        [
            .. Enumerable.Range(0, 12).Select(t => string.Join(' ', Enumerable.Range(0, 10).Select(k => $"t{t}w{k}"))),
        ];
        string csv =
            "text,label\n"
            + string.Concat(
                Enumerable
                    .Range(0, 1500)
                    .Select(i =>
                    {
                        string[] words = templates[i % 12].Split(' ');
                        words[random.Next(10)] = $"x{random.Next(9)}";
                        return $"{string.Join(' ', words)} {random.Next(40)},{(i % 12 < 6 ? "a" : "b")}\n";
                    })
            );

        BuiltDataset build = Build(csv);

        Assert.DoesNotContain(build.Audit.Checks, c => c.Level == AuditLevel.Red);
    }
}
