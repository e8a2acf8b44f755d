using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Training;

/// <summary>Reads how far a worker's progress has come.</summary>
public sealed class ReadHeartbeat(PipelineStorage storage, TimeProvider time)
{
    /// <summary>As histories of runs that are under way have it.</summary>
    public const string Name = "ReadPulse";
    private static readonly TimeSpan BusyWindow = TimeSpan.FromMinutes(15);

    [Function(Name)]
    public async Task<JobHeartbeat> Run([ActivityTrigger] string runId, CancellationToken cancellation)
    {
        byte[]? progress = await storage.Files.ReadAsync(BlobLayout.Progress(runId), cancellation);
        bool busy = false;
        foreach (
            RunRecord other in (await storage.Runs.ListAsync(null, cancellation)).Where(r =>
                r.RunId != runId && r is { State: RunState.Running, Stage: RunStage.Train }
            )
        )
        {
            // A row alone does not show a worker: its host may be gone.
            busy |=
                await storage.Files.WrittenAsync(BlobLayout.Progress(other.RunId), cancellation) is { } written
                && time.GetUtcNow() - written < BusyWindow;
        }

        return new JobHeartbeat(progress?.Count(b => b == (byte)'\n') ?? 0, busy);
    }
}

/// <summary>Progress as the orchestration sees it.</summary>
/// <param name="Lines">Lines of progress so far.</param>
/// <param name="WorkerIsBusy">Whether another run's training is going on, so that this one waits for its turn.</param>
public sealed record JobHeartbeat(int Lines, bool WorkerIsBusy);
