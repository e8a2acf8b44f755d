using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using static Pipeline.Functions.Tests.Datasets.DemoDataset;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>
/// Real data of others, as it comes, without any settings. What lies there is read where it lies and not copied.
/// </summary>
public sealed class SharedDataTests
{
    private static RawFile Shared(params string[] parts) =>
        new(parts[^1], File.ReadAllBytes(RepositoryFiles.Shared(parts)));

    [Theory]
    [InlineData("classification/banking77/train.csv", "text and label", "classification", 10_003)]
    [InlineData("classification/sentence-polarity", "text and label", "classification", 10_662)]
    [InlineData("classification/trec", "text and label", "classification", 5_952)]
    [InlineData("tweets/airline.csv", "text and label", "classification", 14_640)]
    [InlineData("tweets/semeval2016train.tsv", "text and label", "classification", 6_000)]
    [InlineData("tweets/tweeteval-val", "text and label", "classification", 2_000)]
    [InlineData("pii/presidio_a.json", "span annotations", "extraction", 750)]
    [InlineData("preference/llamafactory_dpo_en_demo_a.json", "preference pairs (the chosen answers)", "chat", 150)]
    [InlineData("preference/llamafactory_kto_en_demo_a.json", "thumbs (the approved answers)", "chat", 150)]
    [InlineData("instruct/llamafactory_alpaca_en_demo.json", "alpaca", "instruction", 999)]
    [InlineData("instruct/llamafactory_glaive_toolcall_en_demo.json", "ShareGPT", "chat", 300)]
    [InlineData("instruct/llamafactory_v1_sft_demo.jsonl", "messages", "chat", 500)]
    [InlineData("extraction/train_5.json", "span annotations", "extraction", 256)]
    [InlineData("extraction/train_7.json", "span annotations", "extraction", 64)]
    [InlineData("extraction/FIN5.txt", "span annotations", "extraction", 1_164)]
    [InlineData("extraction/wnut17-dev.conll", "span annotations", "extraction", 1_009)]
    public void Build_RealFile_IsRecognisedAndEveryRowAccountedFor(string path, string layout, string task, int read)
    {
        string full = RepositoryFiles.Shared(["data", .. path.Split('/')]);
        BuiltDataset build = BuiltDataset.From(
            new DatasetRequest
            {
                Project = "real",
                Settings = ProjectFile.Read("validation: { maxTokens: 4096 }\n"),
                Encoder = Encoder,
                TokenizerSha256 = "t",
                Files = [Directory.Exists(full) ? RawFile.FromFolder(full) : RawFile.FromPath(full)],
            }
        );

        Assert.Null(build.Fault);
        RowCounts rows = build.Manifest.Rows;
        Assert.Equal((layout, task, read), (build.Manifest.Layout, build.Manifest.Task.Name(), rows.Read));
        Assert.Equal(
            (rows.Read, rows.Accepted),
            (rows.Accepted + rows.Rejected + rows.Duplicates, rows.Train + rows.Validation + rows.Test)
        );
        int meant =
            build.Manifest.Reasons.GetValueOrDefault(RejectionReason.Disapproved.Name())
            + build.Manifest.Reasons.GetValueOrDefault(RejectionReason.ConflictingLabel.Name());
        // hardly any row is lost for the form it has
        Assert.True(rows.Accepted + meant > 0.9 * (read - rows.Duplicates), string.Join(", ", build.Manifest.Reasons));
    }

    [Fact]
    public void Build_AirlineTweets_AccountsForEveryRow()
    {
        BuiltDataset build = BuiltDataset.From(Request(new(), Shared("data", "tweets", "airline.csv")));

        Assert.Null(build.Fault);
        Assert.Equal(14_640, build.Manifest.Rows.Read);
        Assert.Equal(["negative", "neutral", "positive"], build.Manifest.Labels);
        Assert.Equal(new ColumnReading("text", "airline_sentiment", true), build.Manifest.Columns);
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_Tweets3_TakesTheGivenTestSet()
    {
        BuiltDataset build = BuiltDataset.From(
            Request(new(), Shared("data", "splits", "tweets3.train.tsv"), Shared("data", "splits", "tweets3.test.tsv"))
        );

        Assert.Null(build.Fault);
        Assert.Equal(7_715, build.Manifest.Rows.Read);
        Assert.InRange(build.Manifest.Rows.Test, 1_990, 2_000);
        AssertAccountedFor(build.Manifest.Rows);
    }

    [Fact]
    public void Build_Banking77_FindsItsLabels()
    {
        BuiltDataset build = BuiltDataset.From(
            Request(
                new(),
                Shared("data", "classification", "banking77", "train.csv"),
                Shared("data", "classification", "banking77", "test.csv")
            )
        );

        Assert.Equal(77, build.Manifest.Labels.Count);
        Assert.InRange(build.Manifest.Rows.Test, 3_060, 3_080);
        AssertAccountedFor(build.Manifest.Rows);
    }
}
