using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Datasets.Synthesis;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>Puts a dataset together from the parts in storage.</summary>
public sealed class DatasetParts(PipelineStorage storage, DatasetSources sources)
{
    /// <summary>Fetches plan and parts, and makes the dataset in a folder.</summary>
    /// <param name="planned">The dataset.</param>
    /// <param name="folder">For the parts and the dataset.</param>
    /// <param name="made">Rows that were made; <c>null</c>: none.</param>
    /// <param name="cancellation">Ends the calls.</param>
    public async Task<(DatasetPlan Plan, DatasetBuild Build)> AssembleAsync(
        DatasetPlanned planned,
        string folder,
        SyntheticRows? made,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(planned);
        DatasetPlan plan =
            await storage.Files.ReadJsonAsync<DatasetPlan>(
                BlobLayout.BuildPlan(planned.DatasetId, planned.Instance),
                cancellation
            ) ?? throw new FileNotFoundException($"The plan of dataset {planned.DatasetId} was not found in storage.");
        (DatasetRequest request, _) = await sources.OpenAsync(
            new DatasetSource(planned.Input, plan.Settings, plan.Without, planned.Mended, planned.Tags),
            null,
            cancellation
        );
        string prefix = BlobLayout.BuildPrefix(planned.DatasetId, planned.Instance);
        string parts = Path.Combine(folder, "parts");
        await storage.Files.DownloadAsync(BlobLayout.DatasetsContainer, prefix, parts, cancellation);
        List<Stream> streams =
        [
            .. Enumerable
                .Range(0, planned.Parts)
                .Select(i =>
                    File.OpenRead(
                        Path.Combine(
                            parts,
                            BlobLayout.BuildPart(planned.DatasetId, planned.Instance, i).Name[prefix.Length..]
                        )
                    )
                ),
        ];
        try
        {
            return (plan, DatasetBuilder.Assemble(request, plan, streams, Path.Combine(folder, "dataset"), made));
        }
        finally
        {
            streams.ForEach(s => s.Dispose());
        }
    }
}
