using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>Gives a run that has waited for people the answers that there are.</summary>
public sealed class EndAnswerWait(
    PipelineStorage storage,
    ProjectReader projects,
    CorrectionBatches corrections,
    TimeProvider time
)
{
    public const string Name = nameof(EndAnswerWait);

    [Function(Name)]
    public async Task<string?> Run([ActivityTrigger] PipelineInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        ProjectSettings settings = await projects.SettingsAsync(input, cancellation);
        string? batch = (await corrections.WriteAsync(input.Project, settings, cancellation))?.Name;
        await storage.Runs.UpdateAsync(
            input.RunId,
            r =>
                r.IsUnderWay
                    ? r with
                    {
                        State = RunState.Running,
                        Error = null,
                        FeedbackBatch = batch,
                        UpdatedAt = time.GetUtcNow(),
                    }
                    : r,
            cancellation
        );
        return batch;
    }
}
