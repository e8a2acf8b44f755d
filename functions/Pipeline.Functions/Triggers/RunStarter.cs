using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

/// <summary>Starts a run, once for the same bytes and settings: the run's id is made of them.</summary>
public sealed class RunStarter(PipelineStorage storage, ProjectReader projects, TimeProvider time, ILogger<RunStarter> logger)
{
    private const string OtherRuns = "Another retraining of the project runs, and takes up every correction that waits; resume this one when that one has ended.";

    /// <summary>Starts the run of a raw blob unless it runs or has completed; one that failed or was cancelled starts anew.</summary>
    /// <returns>The run and whether it was started now.</returns>
    /// <exception cref="Pipeline.Datasets.DatasetException">The blob does not exist or the settings cannot be read.</exception>
    public async Task<(string RunId, bool Started)> StartAsync(DurableTaskClient client, string project, string source, string trigger, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        PipelineInput input = await InputAsync(project, source, null, trigger, cancellation);
        OrchestrationMetadata? existing = await client.GetInstanceAsync(input.RunId, false, cancellation);
        if (existing is { RuntimeStatus: not (OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated) })
        {
            Log.RunExists(logger, input.RunId, existing.RuntimeStatus.ToString());
            return (input.RunId, false);
        }

        if (existing is null && (await storage.Runs.GetAsync(input.RunId, cancellation))?.State == RunRecord.Completed)
        {
            Log.RunExists(logger, input.RunId, RunRecord.Completed); // its history is gone, its adapter is not
            return (input.RunId, false);
        }

        if (existing is not null)
        {
            await PurgeAsync(client, input.RunId, cancellation);
        }

        await PutAsync(input, cancellation);
        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(AdapterPipeline.Name, input, new StartOrchestrationOptions(input.RunId), cancellation);
        }
        catch (Exception) when (!cancellation.IsCancellationRequested && existing is null)
        {
            // The drop and a call, or two drops of the same bytes, came at once: the other one has started it.
            if (await client.GetInstanceAsync(input.RunId, false, cancellation) is not { } other)
            {
                throw;
            }

            Log.RunExists(logger, input.RunId, other.RuntimeStatus.ToString());
            return (input.RunId, false);
        }

        Log.RunStarted(logger, input.RunId, trigger, source);
        return (input.RunId, true);
    }

    /// <summary>A run's orchestrations, the run itself first.</summary>
    public static IReadOnlyList<string> InstancesOf(string runId) => [runId, AdapterPipeline.DatasetInstanceOf(runId), TrainingWatch.InstanceOf(runId)];

    /// <summary>Removes a run's orchestrations that have ended.</summary>
    public static async Task PurgeAsync(DurableTaskClient client, string runId, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        foreach (string instance in InstancesOf(runId))
        {
            await client.PurgeInstanceAsync(instance, cancellation);
        }
    }

    /// <summary>Starts a run again that failed or was cancelled; its worker goes on from the checkpoint.</summary>
    /// <returns>Why it was not started: its raw files or settings are others by now, and it would be another run, or another retraining runs; <c>null</c>: it was.</returns>
    public async Task<string?> ResumeAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(run);
        var input = new PipelineInput(run.RunId, run.Project, run.Source, run.FeedbackBatch, run.Trigger);
        if (!await IsCurrentAsync(input, cancellation))
        {
            return $"'{run.Source}' or the project's settings have changed since; drop the file again to start a run of what is there now.";
        }

        if (run.FeedbackBatch is not null && await RetrainsAsync(client, run.Project, cancellation))
        {
            return OtherRuns;
        }

        await PurgeAsync(client, run.RunId, cancellation);
        if (run.FeedbackBatch is not null)
        {
            // Through the retraining, which notes at its end that the corrections are used.
            return await ScheduleRetrainingAsync(client, new RetrainingInput(run.Project, run.Trigger), cancellation) is null ? OtherRuns : null;
        }

        await PutAsync(input, cancellation);
        await client.ScheduleNewOrchestrationInstanceAsync(AdapterPipeline.Name, input, new StartOrchestrationOptions(input.RunId), cancellation);
        Log.RunStarted(logger, input.RunId, "resume", input.Source);
        return null;
    }

    /// <summary>Starts a project's retraining: one at a time, what comes while it runs waits for the next.</summary>
    /// <returns>Its instance; <c>null</c>: one runs.</returns>
    public static async Task<string?> ScheduleRetrainingAsync(DurableTaskClient client, RetrainingInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(input);
        if (await RetrainsAsync(client, input.Project, cancellation))
        {
            return null;
        }

        string instanceId = RetrainingInstanceOf(input.Project);

        await client.PurgeInstanceAsync(instanceId, cancellation);
        return await client.ScheduleNewOrchestrationInstanceAsync(Retraining.Name, input, new StartOrchestrationOptions(instanceId), cancellation);
    }

    /// <summary>The instance of a project's retraining.</summary>
    public static string RetrainingInstanceOf(string project) => project + "-retraining";

    private static async Task<bool> RetrainsAsync(DurableTaskClient client, string project, CancellationToken cancellation) =>
        await client.GetInstanceAsync(RetrainingInstanceOf(project), false, cancellation) is { IsCompleted: false };

    /// <summary>Lists a run that an orchestration is about to start.</summary>
    public async Task<PipelineInput> RecordAsync(string project, string source, string feedbackBatch, string trigger, CancellationToken cancellation)
    {
        PipelineInput input = await InputAsync(project, source, feedbackBatch, trigger, cancellation);
        await PutAsync(input, cancellation);
        return input;
    }

    /// <summary>Whether a run's raw files and settings still are those that its id was made of.</summary>
    public async Task<bool> IsCurrentAsync(PipelineInput input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        return (await InputAsync(input.Project, input.Source, input.FeedbackBatch, input.Trigger, cancellation)).RunId == input.RunId;
    }

    private async Task<PipelineInput> InputAsync(string project, string source, string? feedbackBatch, string trigger, CancellationToken cancellation)
    {
        ProjectSettings settings = await projects.SettingsAsync(project, cancellation);
        string content = await HashAsync(BlobLayout.Raw(project, source), cancellation);
        string test = settings.Split.TestFile is { } name ? await HashAsync(BlobLayout.Raw(project, name), cancellation) : "";
        List<string> mended = [];
        foreach (string file in await projects.MendedAsync(project, source, cancellation))
        {
            mended.Add(await HashAsync(BlobLayout.Raw(project, file), cancellation));
        }

        return new PipelineInput($"{project}-{ContentHash.ShortOf([content, test, feedbackBatch ?? "", .. mended, .. await projects.WithdrawnAsync(project, cancellation)])[..10]}-{ContentHash.ShortOf(ContractJson.Write(settings))[..6]}", project, source, feedbackBatch, trigger);
    }

    private async Task<string> HashAsync(BlobAddress address, CancellationToken cancellation) =>
        await storage.Files.HashAsync(address, cancellation) ?? throw new Datasets.DatasetException(Datasets.DatasetException.UnreadableFile, $"'{address}' does not exist; drop it first.");

    private async Task PutAsync(PipelineInput input, CancellationToken cancellation)
    {
        await storage.Files.DeleteAsync(BlobLayout.CancelRequest(input.RunId), cancellation);
        var run = new RunRecord
        {
            RunId = input.RunId, Project = input.Project, State = RunRecord.Running, Stage = "dataset", Trigger = input.Trigger, Source = input.Source, FeedbackBatch = input.FeedbackBatch,
            CreatedAt = time.GetUtcNow(), UpdatedAt = time.GetUtcNow(),
        };
        await storage.Runs.PutAsync(run, cancellation);
    }
}
