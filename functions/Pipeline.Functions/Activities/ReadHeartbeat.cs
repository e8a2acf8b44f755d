using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;
using Pipeline.Storage;

namespace Pipeline.Functions.Activities;

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
                r.RunId != runId && r is { State: RunRecord.Running, Stage: "train" }
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
