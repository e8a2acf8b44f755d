using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>People's corrections beside the data that they correct.</summary>
public sealed class CorrectionDatasetTests
{
    private const string File = "verdicts-0123.jsonl";

    private static RawFile Data(int rows = 200) =>
        new(
            "a.csv",
            Encoding.UTF8.GetBytes(
                "id,review,verdict\n"
                    + string.Concat(
                        Enumerable.Range(0, rows).Select(i => $"{i},{Text(i)},{(i % 2 == 0 ? "a" : "b")}\n")
                    )
            )
        );

    private static string Text(int i) =>
        $"{(char)('a' + (i % 26))}{(char)('a' + (i / 26))} is what customer {i * 7919} wrote of article {i * 104729}";

    private static BuiltDataset Build(RawFile data, ProjectSettings? settings, params string[] lines) =>
        BuiltDataset.From(
            DemoDataset.Request(
                settings
                    ?? new ProjectSettings
                    {
                        Columns = new ColumnSettings { Text = "review", Label = "verdict" },
                    },
                data
            ) with
            {
                Corrections = new RawFile(File, Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n")),
            }
        );

    private static string Question(Example row) => row.Messages[^2].Content;

    private static List<Example> All(BuiltDataset built) =>
        built.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile);

    [Fact]
    public void Build_NamedCorrection_StandsInThePlaceOfTheRow()
    {
        BuiltDataset built = Build(
            Data(),
            null,
            Corrections.Line(Text(2), "b", isNamed: true, "ann, ben"),
            Corrections.Line("a text of its own, which nobody has dropped", "a", isNamed: true, "ann")
        );

        Example[] rows = [.. All(built).Where(r => Question(r) == Text(2))];
        Assert.Equal(("b", "ann, ben", $"{File}#1"), (rows.Single().Label, rows[0].Reviewer, rows[0].Id));
        Assert.Contains(All(built), r => r.Label == "a" && r.Id == $"{File}#2");
        RejectedRow replaced = Assert.Single(built.Rejected());
        Assert.Equal(
            (RejectionReason.Corrected, "a.csv#3", $"{File}#1"),
            (replaced.Reason, replaced.Id, replaced.DuplicateOf)
        );
        Assert.Equal(new CorrectionCounts(File, 2, 2, 2, 1) { NamedAccepted = 2 }, built.Manifest.Corrections);
        Assert.Equal(202, built.Manifest.Rows.Read);
    }

    /// <summary>
    /// Whoever they are, they cannot decide what versions are measured by, nor overrule the data: a flood of them
    /// promotes nothing.
    /// </summary>
    [Fact]
    public void Build_UnnamedCorrections_AreOnlyLearnedFromAndOverruleNothing()
    {
        string[] lines =
        [
            .. Enumerable.Range(1000, 100).Select(i => Corrections.Line(Text(i), "b", isNamed: false, "eve")),
            Corrections.Line(Text(2), "b", isNamed: false, null),
            Corrections.Line(Text(4), "a", isNamed: false, null),
        ];
        BuiltDataset built = Build(Data(), null, lines);

        Example[] unnamed = [.. All(built).Where(r => r.Source.File == File)];
        Assert.Equal(100, unnamed.Length);
        Assert.Equal(100, built.Rows(BlobLayout.TrainFile).Count(r => r.Source.File == File));
        Assert.Equal("a", All(built).Single(r => Question(r) == Text(2)).Label);
        RejectedRow unheard = built.Rejected().Single(r => r.Reason == RejectionReason.ConflictingLabel);
        Assert.Equal(
            "the same text as a.csv#3, which says 'a', not 'b'; a correction replaces a row when a reviewer with a "
                + "key gives it",
            unheard.Detail
        );
        Assert.Equal(new CorrectionCounts(File, 102, 0, 100, 0), built.Manifest.Corrections);
    }

    /// <summary>What they say is in no prompt but their own.</summary>
    [Fact]
    public void Build_UnnamedCorrectionsToAnotherLabel_MakeNoLabel()
    {
        string[] lines =
        [
            .. Enumerable.Range(1000, 5).Select(i => Corrections.Line(Text(i), "evil", isNamed: false, null)),
        ];

        BuiltDataset built = Build(Data(), null, lines);

        Assert.Equal(["a", "b"], built.Manifest.Labels);
        Assert.Equal("You label a text. Answer with one of: a, b.", built.Manifest.SystemPrompt);
        Assert.Equal(5, built.Manifest.Reasons[RejectionReason.UnknownLabel.Name()]);
    }

    [Fact]
    public void Build_WithoutCorrections_IsTheDatasetOfBefore()
    {
        var settings = new ProjectSettings
        {
            Columns = new ColumnSettings { Text = "review", Label = "verdict" },
        };
        DatasetRequest request = DemoDataset.Request(settings, Data());

        BuiltDataset with = Build(Data(), null, Corrections.Line(Text(2), "b", isNamed: true, null));

        Assert.NotEqual(BuiltDataset.From(request).Manifest.DatasetId, with.Manifest.DatasetId);
        Assert.Null(BuiltDataset.From(request).Manifest.Corrections);
    }

    [Fact]
    public void Build_CorrectionOfATestSetOfItsOwn_IsRejectedAndSaysWhere()
    {
        DatasetRequest request = DemoDataset.Request(
            new ProjectSettings
            {
                Columns = new ColumnSettings { Text = "review", Label = "verdict" },
                Split = new SplitSettings { TestFile = "test.csv" },
            },
            Data()
        ) with
        {
            TestFile = new RawFile("test.csv", Encoding.UTF8.GetBytes("id,review,verdict\n1,held out and frozen,a\n")),
            Corrections = new RawFile(
                File,
                Encoding.UTF8.GetBytes(Corrections.Line("held out and frozen", "b", isNamed: true, "ann") + "\n")
            ),
        };

        RejectedRow left = Assert.Single(BuiltDataset.From(request).Rejected());

        Assert.Equal(RejectionReason.ConflictingLabel, left.Reason);
        Assert.StartsWith(
            "the same text as test.csv#1 of the test set, which says 'a'",
            left.Detail,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Build_WithdrawnCorrection_CountsNoMore()
    {
        DatasetRequest request = DemoDataset.Request(
            new ProjectSettings
            {
                Columns = new ColumnSettings { Text = "review", Label = "verdict" },
            },
            Data()
        ) with
        {
            Corrections = new RawFile(
                File,
                Encoding.UTF8.GetBytes(Corrections.Line(Text(2), "b", isNamed: true, "ann") + "\n")
            ),
            Without = [$"{File}#1"],
        };

        BuiltDataset built = BuiltDataset.From(request);

        Assert.Equal("a", All(built).Single(r => Question(r) == Text(2)).Label);
        Assert.Equal(1, built.Manifest.Reasons[RejectionReason.Withdrawn.Name()]);
    }

    /// <summary>
    /// The form of the data does not matter: a correction is of what was asked. A question may have several right
    /// answers where answers are free: the data's stays.
    /// </summary>
    [Fact]
    public void Build_CorrectionsOfOtherForms_AreRead()
    {
        var alpaca = new RawFile(
            "a.jsonl",
            Encoding.UTF8.GetBytes(
                string.Concat(
                    Enumerable
                        .Range(0, 60)
                        .Select(i =>
                            ContractJson.Write(
                                new
                                {
                                    instruction = "Say it shorter.",
                                    input = Text(i),
                                    output = $"customer {i * 7919}",
                                }
                            ) + "\n"
                        )
                )
            )
        );

        BuiltDataset built = Build(
            alpaca,
            new ProjectSettings(),
            Corrections.Line($"Say it shorter.\n\n{Text(3)}", "somebody", isNamed: true, "ann")
        );

        Assert.Equal(TaskKind.Instruction, built.Manifest.Task);
        Assert.Equal((1, 0), (built.Manifest.Corrections!.Accepted, built.Manifest.Corrections.Replaced));
        Assert.Equal("somebody", All(built).Single(r => r.Id == $"{File}#1").Messages[^1].Content);
    }
}
