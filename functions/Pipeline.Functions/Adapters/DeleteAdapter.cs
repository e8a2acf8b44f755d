using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Adapters;

/// <summary>
/// <c>DELETE /api/projects/{project}/adapters/{version}</c>: removes a version with its files, refused while it is the
/// champion. Its line in the history stays, its number is not given again, and its run names no adapter any more.
/// </summary>
public sealed class DeleteAdapter(PipelineStorage storage, RegistryChanges changes, TimeProvider time)
{
    [Function(nameof(DeleteAdapter))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "projects/{project}/adapters/{version}")]
            HttpRequest request,
        string project,
        string version,
        CancellationToken cancellation
    )
    {
        // The registry first: from then on nobody is led to files that are being deleted.
        IResult result = await changes.MakeAsync(
            request,
            project,
            version,
            (registry, change, _) =>
                registry.Deleted.Contains(change.Version) ? registry : VersionLedger.Delete(registry, change),
            cancellation
        );
        if (result is not Ok<RegistryView> || !VersionNumber.TryParse(version, out int number))
        {
            return result;
        }

        string prefix = BlobLayout.AdapterPrefix(project, number);
        await storage.Files.DeletePrefixAsync(BlobLayout.AdaptersContainer, prefix, cancellation);
        foreach (RunRecord run in await storage.Runs.ListAsync(project, cancellation))
        {
            if (run.Adapter == prefix)
            {
                await storage.Runs.UpdateAsync(
                    run.RunId,
                    r => r with { Adapter = null, Promotion = $"V{number} was deleted.", UpdatedAt = time.GetUtcNow() },
                    cancellation
                );
            }
        }

        return result;
    }
}
