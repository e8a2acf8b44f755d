using System.Text.Json;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Functions.Projects;
using Pipeline.Registry.Feedback;
using Pipeline.Registry.Retraining;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>Starts a retraining when the corrections that wait are enough; one at a time a project.</summary>
public sealed class RetrainingStarter(
    PipelineStorage storage,
    ProjectReader projects,
    ILogger<RetrainingStarter> logger
)
{
    /// <summary>Every corrected text of a project, with who says what and what it comes to.</summary>
    public async Task<IReadOnlyList<VerdictItem>> ItemsAsync(
        string project,
        FeedbackSettings settings,
        CancellationToken cancellation
    )
    {
        var feedback = new List<FeedbackRecord>();
        foreach (
            (string name, _) in await storage.Files.ListAsync(
                BlobLayout.FeedbackContainer,
                BlobLayout.FeedbackPrefix(project),
                cancellation
            )
        )
        {
            if (name.EndsWith(".json", StringComparison.Ordinal) && await ReadAsync(name, cancellation) is { } record)
            {
                feedback.Add(record);
            }
        }

        return VerdictItems.From(feedback, settings);
    }

    /// <summary>One verdict; one that cannot be read is passed over, and logged.</summary>
    private async Task<FeedbackRecord?> ReadAsync(string name, CancellationToken cancellation)
    {
        try
        {
            return await storage.Files.ReadJsonAsync<FeedbackRecord>(
                new BlobAddress(BlobLayout.FeedbackContainer, name),
                cancellation
            );
        }
        catch (JsonException fault)
        {
            Log.VerdictUnreadable(logger, name, fault.Message);
            return null;
        }
    }

    /// <summary>Starts a retraining when it is due.</summary>
    /// <param name="client">Of the durable backend.</param>
    /// <param name="project">The project.</param>
    /// <param name="trigger">feedback or timer.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The retraining's instance; <c>null</c>: none was due.</returns>
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

        RetrainingSettings settings = all.Retraining;
        IReadOnlyList<VerdictItem> waiting = RetrainingPolicy.Waiting(
            await ItemsAsync(project, all.Feedback, cancellation),
            await storage.Registry.GetAsync(project, cancellation)
        );
        bool due =
            trigger == RunTrigger.Timer
                ? RetrainingPolicy.IsDueBySchedule(waiting.Count, settings)
                : RetrainingPolicy.IsDueByCount(waiting.Count, settings);
        if (!due)
        {
            Log.RetrainingNotDue(logger, project, waiting.Count);
            return null;
        }

        string? instanceId = await RetrainingOrchestrations.StartAsync(
            client,
            new RetrainingInput(project, trigger),
            cancellation
        );
        if (instanceId is null)
        {
            return null;
        }

        Log.RetrainingStarted(logger, instanceId, waiting.Count);
        return instanceId;
    }
}
