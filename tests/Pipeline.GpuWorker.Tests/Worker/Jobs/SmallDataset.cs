using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>Datasets for tests, made as the pipeline makes them.</summary>
internal static class SmallDataset
{
    public static string Base => RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat");

    /// <summary>Builds a dataset from a file and writes it into a folder.</summary>
    public static DatasetManifest Write(
        string directory,
        byte[] content,
        string yaml,
        string name = "rows.csv",
        RawFile? guard = null
    )
    {
        ProjectSettings settings = ProjectFile.Read(yaml);
        var request = new DatasetRequest
        {
            Project = "test",
            Settings = settings,
            Files = [new RawFile(name, content)],
            Encoder = ChatEncoder.FromDirectory(Base, settings.Template),
            TokenizerSha256 = "t",
            GuardFile = guard,
        };
        DatasetBuild build = DatasetBuilder.Build(request, directory);
        Assert.Null(build.Fault);
        return build.Manifest;
    }

    public static byte[] Rows(int count) =>
        Encoding.UTF8.GetBytes(
            "text,label\n"
                + string.Concat(
                    Enumerable
                        .Range(0, count)
                        .Select(i =>
                            i % 2 == 0 ? $"good morning friend {i},greeting\n" : $"the sum is {i} and {i * 7},number\n"
                        )
                )
        );
}
