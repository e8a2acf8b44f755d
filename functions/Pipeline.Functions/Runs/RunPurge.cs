using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>Removes what a run has left, but for what it has published.</summary>
public sealed class RunPurge(PipelineStorage storage, RunStarter starter, InterruptedRuns interrupted)
{
    /// <summary>Purges a run.</summary>
    /// <returns>Why it was not purged, in words; <c>null</c>: it was.</returns>
    public async Task<string?> PurgeAsync(DurableTaskClient client, RunRecord noted, CancellationToken cancellation)
    {
        RunRecord run = await interrupted.CheckAsync(client, noted, cancellation);
        string id = run.RunId;
        if (run.IsUnderWay)
        {
            return $"Run '{id}' is {run.State.Name()}; cancel it first, then it can be purged.";
        }

        LeasedBlob? job = await LeasedBlob.TryAcquireAsync(
            storage.Blobs,
            BlobLayout.JobLock(id),
            TimeSpan.FromSeconds(30),
            cancellation
        );
        if (job is null)
        {
            return $"The worker of run '{id}' has not stopped yet; try again in a moment.";
        }

        if (!await starter.PurgeAsync(client, id, cancellation))
        {
            await job.ReleaseAsync(cancellation);
            return RunStarter.StillStopping(id);
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
        return null;
    }
}
