using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Training;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>Writes down why a run failed and removes what it wrote of an adapter.</summary>
public sealed class RecordFailure(PipelineStorage storage, JobStopper jobs, TimeProvider time)
{
    public const string Name = nameof(RecordFailure);

    [Function(Name)]
    public async Task Run([ActivityTrigger] RunFailure failure, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(failure);
        await jobs.StopAsync(failure.RunId, cancellation); // a worker that comes late finds nothing to do
        RunRecord? run = await storage.Runs.GetAsync(failure.RunId, cancellation);
        if (
            run?.Version is { } version
            && !(await storage.Registry.GetAsync(run.Project, cancellation)).Published.Contains(version)
        )
        {
            await storage.Files.DeletePrefixAsync(
                BlobLayout.AdaptersContainer,
                BlobLayout.AdapterPrefix(run.Project, version),
                cancellation
            );
        }

        await storage.Runs.UpdateAsync(
            failure.RunId,
            r =>
                r.State == RunState.Cancelled
                    ? r
                    : r with
                    {
                        State = failure.NeedsSettings ? RunState.NeedsSettings : RunState.Failed,
                        Error = failure.Error,
                        UpdatedAt = time.GetUtcNow(),
                    },
            cancellation
        );
    }
}

/// <summary>A run's end, to be written down.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Error">Why.</param>
/// <param name="NeedsSettings">Whether that is a question that the project's settings can answer.</param>
public sealed record RunFailure(string RunId, string Error, bool NeedsSettings = false);
