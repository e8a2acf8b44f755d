using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>Rows to a dataset: what is taken, what is rejected and why, and what its id depends on.</summary>
public sealed class DatasetBuilderTests
{
    [Fact]
    public void Build_DirtyRows_EachEndsWithItsReason()
    {
        string longText = string.Join(' ', Enumerable.Repeat("word", 400));
        string csv =
            "text,label\n"
            + Filler("pos", 10)
            + Filler("neg", 10)
            + "Tom &amp; Jerry,pos\n" // 21 entity read
            + "filler POS 1,pos\n" // 22 duplicate
            + "filler neg 1,pos\n" // 23 conflict
            + ",pos\n" // 24 no text
            + "no label,\n" // 25
            + "odd label,unknown\n" // 26
            + longText
            + ",neg\n" // 27
            + "a,b,c\n" // 28
            + "bad \uFFFD bytes,pos\n"; // 29

        BuiltDataset build = Build(csv);

        Assert.Null(build.Fault);
        Assert.Equal(
            [
                ("a.csv#22", "duplicate"),
                ("a.csv#23", "conflicting_label"),
                ("a.csv#24", "missing_text"),
                ("a.csv#25", "missing_label"),
                ("a.csv#26", "unknown_label"),
                ("a.csv#27", "too_long"),
                ("a.csv#28", "malformed"),
                ("a.csv#29", "invalid_text"),
            ],
            build.Rejected().Select(r => (r.Id, r.Reason.Name()))
        );
        Assert.Equal("a.csv#2", build.Rejected()[0].DuplicateOf);
        Assert.Equal(
            (29, 21, 7, 1),
            (
                build.Manifest.Rows.Read,
                build.Manifest.Rows.Accepted,
                build.Manifest.Rows.Rejected,
                build.Manifest.Rows.Duplicates
            )
        );
        Assert.Contains(
            "Tom & Jerry",
            string.Concat(
                build
                    .Files.Where(f => f.Key.EndsWith(".jsonl", StringComparison.Ordinal))
                    .Select(f => Encoding.UTF8.GetString(f.Value))
            ),
            StringComparison.Ordinal
        );
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_Twice_GivesTheSameBytesAndId()
    {
        string csv = "text,label\n" + Filler("pos", 30) + Filler("neg", 30);

        BuiltDataset first = Build(csv);
        BuiltDataset second = Build(csv);

        Assert.Equal(first.Manifest.Files, second.Manifest.Files);
        Assert.Equal(first.Manifest.DatasetId, second.Manifest.DatasetId);
    }

    [Fact]
    public void DatasetId_TrainingSettings_DoNotChangeItButSplitDoes()
    {
        string csv = "text,label\n" + Filler("pos", 30) + Filler("neg", 30);
        string id = Build(csv).Manifest.DatasetId;

        Assert.Equal(id, Build(csv, new ProjectSettings { Training = new() { R = 4 } }).Manifest.DatasetId);
        Assert.NotEqual(id, Build(csv, new ProjectSettings { Split = new() { Seed = 2 } }).Manifest.DatasetId);
    }

    [Fact]
    public void Build_TestFile_KeepsItsRowsAndDropsThemFromTraining()
    {
        BuiltDataset build = Build(
            "text,label\n" + Filler("pos", 30) + Filler("neg", 30),
            null,
            "text,label\n" + Filler("pos", 3) + Filler("neg", 3, "unseen")
        );

        Assert.Equal((6, 3), (build.Manifest.Rows.Test, build.Manifest.Rows.Duplicates));
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_CodeBook_ReadsAliasesAndRefusesOthers()
    {
        var settings = new ProjectSettings
        {
            Labels =
            [
                new() { Name = "positive", Aliases = ["pos", "+"] },
                new() { Name = "negative", Aliases = ["NEG"] },
            ],
        };

        BuiltDataset build = Build("text,label\n" + Filler("pos", 10) + Filler("neg", 10) + "meh,neutral\n", settings);

        Assert.Equal(["negative", "positive"], build.Manifest.Labels);
        Assert.Equal(1, build.Manifest.Reasons["unknown_label"]);
        Assert.Contains("negative, positive", build.Manifest.SystemPrompt, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_OneLabel_FaultKeepsTheManifest()
    {
        BuiltDataset build = Build("text,label\n" + Filler("pos", 10));

        Assert.Equal(DatasetFaultCode.OneLabel, build.Fault!.Code);
        Assert.Equal(10, build.Manifest.Rows.Read);
    }

    [Fact]
    public void Build_EveryRowRejected_FaultKeepsTheRows()
    {
        BuiltDataset build = Build("text,label\na,\nb,\n");

        Assert.Equal(DatasetFaultCode.NothingAccepted, build.Fault!.Code);
        Assert.Equal(2, build.Rejected().Count);
    }

    [Fact]
    public void Build_NoLabelColumn_NamesTheColumns()
    {
        DatasetException fault = Assert.Throws<DatasetException>(() => Build("id,text\n" + Filler("a", 20)));

        Assert.Equal(DatasetFaultCode.NoColumn, fault.Code);
        Assert.Contains("'id', 'text'", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reviewer", null)]
    [InlineData("annotator", null)]
    [InlineData("checked by", "checked by")]
    public void Build_ColumnOfReviewers_StaysWithEachRow(string column, string? reviewer)
    {
        string csv =
            $"text,label,{column}\n"
            + string.Concat(
                Enumerable
                    .Range(0, 30)
                    .Select(i =>
                        $"filler text {i * 37},{(i % 2 == 0 ? "a" : "b")},{(i % 3 == 0 ? "" : $" person {i % 3} ")}\n"
                    )
            );

        BuiltDataset build = Build(csv, new ProjectSettings { Columns = new() { Reviewer = reviewer } });

        Example[] rows = [.. build.Rows(BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile)];
        Assert.Equal(30, rows.Length);
        Assert.All(
            rows,
            r =>
                Assert.Equal(
                    ((r.Source.Row - 1) % 3) switch
                    {
                        0 => null,
                        1 => "person 1",
                        _ => "person 2",
                    },
                    r.Reviewer
                )
        );
    }
}
