using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>Removes the plan and the parts of a dataset that was made, or could not be.</summary>
public sealed class RemoveDatasetParts(PipelineStorage storage)
{
    public const string Name = nameof(RemoveDatasetParts);

    [Function(Name)]
    public Task Run([ActivityTrigger] DatasetPlanned planned, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(planned);
        return storage.Files.DeletePrefixAsync(
            BlobLayout.DatasetsContainer,
            BlobLayout.BuildPrefix(planned.DatasetId, planned.Instance),
            cancellation
        );
    }
}
