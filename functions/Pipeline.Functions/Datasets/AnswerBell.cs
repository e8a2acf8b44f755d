using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Storage;

namespace Pipeline.Functions.Datasets;

/// <summary>Tells the runs of a project that wait for people that enough texts have an answer.</summary>
public sealed class AnswerBell(PipelineStorage storage, ProjectReader projects, CorrectionBatches corrections)
{
    /// <summary>Tells those that have enough.</summary>
    /// <returns>The first of them; <c>null</c>: none.</returns>
    public async Task<string?> RingAsync(DurableTaskClient client, string project, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        string? first = null;
        foreach (
            RunRecord run in (await storage.Runs.ListAsync(project, cancellation)).Where(r =>
                r.State == RunState.NeedsLabels
            )
        )
        {
            var input = new PipelineInput(run.RunId, project, run.Source, run.FeedbackBatch, run.Trigger);
            ProjectSettings settings = await projects.SettingsAsync(input, cancellation); // those that the run keeps
            if (
                await corrections.CountAsync(project, settings, cancellation) >= settings.Review.Rows
                && await client.TryRaiseEventAsync(
                    DatasetGeneration.InstanceOf(run.RunId),
                    AnswerWait.Given,
                    "enough",
                    cancellation
                )
            )
            {
                first ??= run.RunId;
            }
        }

        return first;
    }
}
