using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Http;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>
/// <c>DELETE /api/runs/{id}</c>: removes what a failed, cancelled or interrupted run has left: its orchestrations, its
/// checkpoint, its row. A completed run stays: its row is what keeps the same bytes from being run twice.
/// </summary>
public sealed class PurgeRun(PipelineStorage storage, RunStarter starter, InterruptedRuns interrupted)
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

        run = await interrupted.CheckAsync(client, run, cancellation);
        if (!run.HasStopped)
        {
            return HttpResults.Conflict(
                $"Run '{id}' is {run.State.Name()}; only one that failed, was cancelled or interrupted can be "
                    + "purged. Cancel it first if it runs."
            );
        }

        LeasedBlob? job = await LeasedBlob.TryAcquireAsync(
            storage.Blobs,
            BlobLayout.JobLock(id),
            TimeSpan.FromSeconds(30),
            cancellation
        );
        if (job is null)
        {
            return HttpResults.Conflict($"The worker of run '{id}' has not stopped yet; try again in a moment.");
        }

        if (!await starter.PurgeAsync(client, id, cancellation))
        {
            await job.ReleaseAsync(cancellation);
            return HttpResults.Conflict(RunStarter.StillStopping(id));
        }

        if (
            run.Version is { } version
            && !(await storage.Registry.GetAsync(run.Project, cancellation)).Published.Contains(version)
        )
        {
            await storage.Files.DeletePrefixAsync(
                BlobLayout.AdaptersContainer,
                BlobLayout.AdapterPrefix(run.Project, version),
                cancellation
            );
        }

        // The job itself goes first: a worker that still has the message finds no job and drops it.
        await storage.Files.DeleteAsync(BlobLayout.Job(id), cancellation);
        await job.ReleaseAsync(cancellation);
        await storage.Files.DeletePrefixAsync(BlobLayout.JobsContainer, BlobLayout.JobPrefix(id), cancellation);
        await storage.Runs.DeleteAsync(id, cancellation);
        return TypedResults.Ok(new { runId = id, purged = true });
    }
}
