using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Configuration;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Synthesis;

namespace Pipeline.Functions.Tests.Datasets;

/// <summary>A dataset that was built into a folder of its own and read back.</summary>
internal sealed class BuiltDataset
{
    private BuiltDataset(DatasetBuild build) =>
        (Manifest, Fault, Audit, Files) = (
            build.Manifest,
            build.Fault,
            build.Audit,
            build.Files.ToDictionary(
                f => f,
                f => File.ReadAllBytes(Path.Combine(build.Folder, f)),
                StringComparer.Ordinal
            )
        );

    public DatasetManifest Manifest { get; }
    public DatasetException? Fault { get; }
    public DatasetAudit Audit { get; }
    public IReadOnlyDictionary<string, byte[]> Files { get; }

    /// <summary>Builds from files as they are, under the demo's encoder.</summary>
    /// <param name="files">What was dropped, and corrections.</param>
    /// <param name="yaml">project.yaml.</param>
    /// <param name="partBytes">Bytes of a part.</param>
    public static BuiltDataset FromFiles(
        IReadOnlyList<RawFile> files,
        string yaml = "",
        long partBytes = long.MaxValue
    ) => From(RequestFor(files, yaml), partBytes);

    /// <summary>What a dataset of files is made of, under the demo's encoder.</summary>
    public static DatasetRequest RequestFor(IReadOnlyList<RawFile> files, string yaml = "") =>
        new()
        {
            Project = "files",
            Settings = ProjectFile.Read(yaml),
            Encoder = DemoDataset.Encoder,
            TokenizerSha256 = "t",
            Files = files,
        };

    /// <summary>Builds, reads, and removes the folder.</summary>
    public static BuiltDataset From(
        DatasetRequest request,
        long partBytes = long.MaxValue,
        SyntheticRows? synthetic = null
    )
    {
        string folder = Directory.CreateTempSubdirectory("pipeline-dataset-test-").FullName;
        try
        {
            if (synthetic is null)
            {
                return new BuiltDataset(DatasetBuilder.Build(request, folder, partBytes));
            }

            DatasetPlan plan = DatasetBuilder.Plan(request, partBytes);
            using var part = new MemoryStream();
            DatasetBuilder.BuildPart(request, plan, 0, part);
            return new BuiltDataset(DatasetBuilder.Assemble(request, plan, [part], folder, synthetic));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public string Text(string file) => Encoding.UTF8.GetString(Files[file]);

    /// <summary>The rows of some files.</summary>
    public List<Example> Rows(params string[] files) =>
        [
            .. files
                .SelectMany(f => Text(f).Split('\n', StringSplitOptions.RemoveEmptyEntries))
                .Select(l => ContractJson.Read<Example>(l)),
        ];

    public List<RejectedRow> Rejected() =>
        [
            .. Text(BlobLayout.RejectedFile)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(l => ContractJson.Read<RejectedRow>(l)),
        ];
}
