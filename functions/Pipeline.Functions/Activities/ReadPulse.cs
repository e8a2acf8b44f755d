using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;
using Pipeline.Storage;

namespace Pipeline.Functions.Activities;

/// <summary>Looks how far a worker's progress has come.</summary>
public sealed class ReadPulse(PipelineStorage storage)
{
    public const string Name = nameof(ReadPulse);

    [Function(Name)]
    public async Task<JobPulse> Run([ActivityTrigger] string runId, CancellationToken cancellation)
    {
        byte[]? progress = await storage.Files.ReadAsync(BlobLayout.Progress(runId), cancellation);
        IReadOnlyList<RunRecord> runs = await storage.Runs.ListAsync(null, cancellation);
        return new JobPulse(progress?.Count(b => b == (byte)'\n') ?? 0, runs.Any(r => r.RunId != runId && r is { State: RunRecord.Running, Stage: "train" }));
    }
}
