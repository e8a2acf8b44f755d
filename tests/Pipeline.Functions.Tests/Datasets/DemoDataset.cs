using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>Datasets of a few rows, and what holds of the counts of every dataset.</summary>
internal static class DemoDataset
{
    public static readonly ChatEncoder Encoder = ChatEncoder.FromDirectory(
        RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat")
    );

    public static DatasetRequest Request(ProjectSettings settings, RawFile file, RawFile? test = null) =>
        new()
        {
            Project = "demo",
            Settings = settings,
            Files = [file],
            TestFile = test,
            Encoder = Encoder,
            TokenizerSha256 = "t",
        };

    public static BuiltDataset Build(string csv, ProjectSettings? settings = null, string? test = null) =>
        BuiltDataset.From(
            Request(
                settings ?? new(),
                new RawFile("a.csv", Encoding.UTF8.GetBytes(csv)),
                test is null ? null : new RawFile("test.csv", Encoding.UTF8.GetBytes(test))
            )
        );

    public static string Filler(string label, int count, string word = "filler") =>
        string.Concat(Enumerable.Range(0, count).Select(i => $"{word} {label} {i},{label}\n"));

    public static void AssertAccountedFor(RowCounts rows)
    {
        Assert.Equal(rows.Read, rows.Accepted + rows.Rejected + rows.Duplicates);
        Assert.Equal(rows.Accepted, rows.Train + rows.Validation + rows.Test);
    }
}
