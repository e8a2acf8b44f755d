using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Verdicts;
using Pipeline.Registry.Feedback;
using Pipeline.Registry.Retraining;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>Starts a retraining when the corrections that wait are enough; one at a time a project.</summary>
public sealed class RetrainingStarter(
    PipelineStorage storage,
    ProjectReader projects,
    VerdictLog verdicts,
    AnswerBell bell,
    ILogger<RetrainingStarter> logger
)
{
    /// <summary>Starts a retraining when it is due.</summary>
    /// <param name="client">Of the durable backend.</param>
    /// <param name="project">The project.</param>
    /// <param name="trigger">feedback or timer.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The retraining's instance, or a run that waited for people and goes on; <c>null</c>: none was
    /// due.</returns>
    public async Task<string?> StartIfDueAsync(
        DurableTaskClient client,
        string project,
        RunTrigger trigger,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(client);
        ProjectSettings all = await projects.SettingsAsync(project, cancellation);
        if (all.Task == TaskKind.Text)
        {
            return null; // corrections are answers, and this project learns none
        }

        if (await bell.RingAsync(client, project, cancellation) is { } waiting)
        {
            return waiting; // it goes on with all answers
        }

        RetrainingSettings settings = all.Retraining;
        if (trigger == RunTrigger.Feedback && settings.FeedbackCount == 0)
        {
            return null;
        }

        RegistryPointer registry = await storage.Registry.GetAsync(project, cancellation);
        if (
            registry.Published.Count == 0 // nothing to add them to; the first run takes them
            || await client.RunsAsync(RetrainingOrchestrations.InstanceOf(project), cancellation)
        )
        {
            return null;
        }

        IReadOnlyList<VerdictItem> unused = await verdicts.ReadAsync(
            project,
            ledger => ledger.Waiting(all.Feedback, registry),
            cancellation
        );
        if (!RetrainingPolicy.IsDue(trigger, unused.Count, settings))
        {
            Log.RetrainingNotDue(logger, project, unused.Count);
            return null;
        }

        string? started = await RetrainingOrchestrations.StartAsync(
            client,
            new RetrainingInput(project, trigger),
            cancellation
        );
        if (started is not null)
        {
            Log.RetrainingStarted(logger, started, unused.Count);
        }

        return started;
    }
}
