using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>
/// <c>DELETE /api/runs/{id}</c>: removes what a run has left that does not run any more: its orchestrations, its
/// checkpoint, its row. What it has published stays, with its dataset, and keeps the same bytes from being run twice.
/// </summary>
public sealed class PurgeRun(PipelineStorage storage, RunPurge purge)
{
    [Function(nameof(PurgeRun))]
    public async Task<IResult> Run(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "runs/{id}")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        RunRecord? run = await storage.Runs.GetAsync(id, cancellation);
        if (run is null)
        {
            return HttpResults.NotFound($"There is no run '{id}'.");
        }

        return await purge.PurgeAsync(client, run, cancellation) is { } refusal
            ? HttpResults.Conflict(refusal)
            : TypedResults.Ok(new { runId = id, purged = true });
    }
}
