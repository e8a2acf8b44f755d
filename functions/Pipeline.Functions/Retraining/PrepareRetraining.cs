using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Verdicts;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>
/// Makes a run of the last completed run's file and all decided corrections, old and new.
/// </summary>
public sealed class PrepareRetraining(
    PipelineStorage storage,
    RunStarter starter,
    CorrectionBatches corrections,
    ProjectReader projects
)
{
    public const string Name = nameof(PrepareRetraining);

    [Function(Name)]
    public async Task<RetrainingPlan?> Run([ActivityTrigger] RetrainingInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        ProjectSettings settings = await projects.SettingsAsync(input.Project, cancellation);
        if (
            await LastSourceAsync(input.Project, cancellation) is not { } source
            || await corrections.WriteAsync(input.Project, settings, cancellation) is not { } batch
        )
        {
            return null; // no correction, or no completed run to add them to
        }

        PipelineInput? run = await starter.RecordAsync(input.Project, source, batch.Name, input.Trigger, cancellation);
        if (run is null)
        {
            // What was said since the last training only confirms what it has learned.
            await storage.Registry.UpdateAsync(
                input.Project,
                p => VersionLedger.UseFeedback(p, batch.Through),
                cancellation
            );
            return null;
        }

        return new RetrainingPlan(run, batch.Through);
    }

    /// <summary>The file of the last run that has completed; when it was purged, of the last version.</summary>
    private async Task<string?> LastSourceAsync(string project, CancellationToken cancellation)
    {
        if (
            (await storage.Runs.ListAsync(project, cancellation)).FirstOrDefault(r =>
                r.State == RunState.Completed && r.DatasetId is not null
            ) is
            { } run
        )
        {
            return run.Source;
        }

        return (await storage.Registry.GetAsync(project, cancellation))
            .Versions.Values.Where(v => v is { Source: not null, DatasetId: not null })
            .MaxBy(v => v.Version)
            ?.Source;
    }
}

/// <summary>A retraining made ready.</summary>
/// <param name="Run">The run to be made.</param>
/// <param name="Through">The place in the log up to which verdicts go into it, noted when it has completed.</param>
/// <param name="Feedback">Ids of the corrections, in a plan of before 2026-11-30.</param>
public sealed record RetrainingPlan(PipelineInput Run, string? Through, IReadOnlyList<string>? Feedback = null);
