using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Training;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>Starts a run, once for the same bytes and settings: the run's id is made of them.</summary>
public sealed class RunStarter(
    PipelineStorage storage,
    RunIdentity identity,
    InterruptedRuns interrupted,
    IRetrainingResumption retraining,
    TimeProvider time,
    ILogger<RunStarter> logger
) : IWaitingRuns
{
    /// <summary>
    /// Starts the run of a raw blob unless it runs or has completed; one that failed or was cancelled starts anew.
    /// </summary>
    /// <returns>The run and whether it was started now.</returns>
    /// <exception cref="DatasetException">The blob does not exist or the settings cannot be
    /// read.</exception>
    public async Task<(string RunId, bool Started)> StartAsync(
        DurableTaskClient client,
        string project,
        string source,
        RunTrigger trigger,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(client);
        (PipelineInput input, ProjectSettings settings) = await identity.IdentifyAsync(
            project,
            source,
            null,
            trigger,
            cancellation
        );
        OrchestrationMetadata? existing = await InstanceAsync(client, input.RunId, cancellation);
        if (
            existing is
            { RuntimeStatus: not (OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated) }
        )
        {
            Log.RunExists(logger, input.RunId, existing.RuntimeStatus.ToString());
            return (input.RunId, false);
        }

        if (existing is null && await IsDoneWithAsync(client, input, cancellation) is { } state)
        {
            Log.RunExists(logger, input.RunId, state); // its history is gone; what it has left is not
            return (input.RunId, false);
        }

        if (existing is not null && !await PurgeAsync(client, input.RunId, cancellation))
        {
            throw new InvalidOperationException(StillStopping(input.RunId)); // a drop is tried again
        }

        string? batch = await retraining.CorrectionsAsync(project, settings, cancellation);
        input = input with { FeedbackBatch = batch };
        await PutAsync(input, settings, cancellation);
        if (!await client.TryStartAsync(AdapterPipeline.Name, input, input.RunId, cancellation))
        {
            // The drop and a call, or two drops of the same bytes, came at once: the other one has started it.
            Log.RunExists(logger, input.RunId, RunState.Running.Name());
            return (input.RunId, false);
        }

        Log.RunStarted(logger, input.RunId, trigger.Name(), source);
        return (input.RunId, true);
    }

    /// <summary>A run's orchestration. One that has failed and only tells people so any more is ended first.</summary>
    private async Task<OrchestrationMetadata?> InstanceAsync(
        DurableTaskClient client,
        string runId,
        CancellationToken cancellation
    )
    {
        OrchestrationMetadata? existing = await client.GetInstanceAsync(runId, false, cancellation);
        if (
            existing is { RuntimeStatus: OrchestrationRuntimeStatus.Running }
            && (await storage.Runs.GetAsync(runId, cancellation))?.HasStopped == true
            && await client.TryTerminateAsync(runId, "It has failed and is started anew.", cancellation)
        )
        {
            await client.HasEndedAsync(runId, time, cancellation);
            return await client.GetInstanceAsync(runId, false, cancellation);
        }

        return existing;
    }

    /// <summary>
    /// The state of a run without a history that is not started anew: one that has completed, and, for a drop, one that
    /// has stopped otherwise. A host whose task hub is new is told of every file that lies there, and must not begin
    /// again what failed or was cancelled before.
    /// </summary>
    private async Task<string?> IsDoneWithAsync(
        DurableTaskClient client,
        PipelineInput input,
        CancellationToken cancellation
    )
    {
        if (await storage.Runs.GetAsync(input.RunId, cancellation) is not { } noted)
        {
            // purged, and what it has published is still there
            return await IsPublishedAsync(input, cancellation) ? RunState.Completed.Name() : null;
        }

        RunRecord run = await interrupted.CheckAsync(client, noted, cancellation);
        return run.State == RunState.Completed || (input.Trigger == RunTrigger.Drop && run.HasStopped)
            ? run.State.Name()
            : null;
    }

    private async Task<bool> IsPublishedAsync(PipelineInput input, CancellationToken cancellation)
    {
        RegistryPointer registry = await storage.Registry.GetAsync(input.Project, cancellation);
        return registry.Allotted.TryGetValue(input.RunId, out int version) && registry.Published.Contains(version);
    }

    /// <summary>A run's orchestrations, the run itself first.</summary>
    public static IReadOnlyList<string> InstancesOf(string runId) =>
        [runId, DatasetGeneration.InstanceOf(runId), TrainingWatch.InstanceOf(runId)];

    /// <summary>What to say of a run that was cancelled and whose orchestrations have not ended yet.</summary>
    public static string StillStopping(string runId) => $"Run '{runId}' has not stopped yet; try again in a moment.";

    /// <summary>
    /// Removes a run's orchestrations. Those that were terminated end a little later: that is waited for.
    /// </summary>
    /// <returns>Whether nothing of them is left.</returns>
    public async Task<bool> PurgeAsync(DurableTaskClient client, string runId, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        foreach (string instance in InstancesOf(runId))
        {
            if (!await client.HasEndedAsync(instance, time, cancellation))
            {
                return false;
            }
        }

        // Those that the run waits for first: what they say at their end comes to a run that is still there.
        foreach (string instance in InstancesOf(runId).Reverse())
        {
            if (!await client.TryPurgeAsync(instance, cancellation))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Starts a run again that failed or was cancelled; its worker goes on from the checkpoint.</summary>
    /// <returns>Why it was not started: its raw files or settings are others by now, and it would be another run, or
    /// another retraining runs; <c>null</c>: it was.</returns>
    public async Task<string?> ResumeAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(run);
        (PipelineInput input, ProjectSettings settings) = await identity.IdentifyAsync(
            run.Project,
            run.Source,
            run.IsRetraining ? run.FeedbackBatch : null,
            run.Trigger,
            cancellation
        );
        if (input.RunId != run.RunId)
        {
            return $"'{run.Source}' or the project's settings have changed since; drop the file again to start a "
                + "run of the current content.";
        }

        if (run.IsRetraining && await retraining.RefuseAsync(client, run, cancellation) is { } refusal)
        {
            return refusal;
        }

        if (!await PurgeAsync(client, run.RunId, cancellation))
        {
            return StillStopping(run.RunId);
        }

        if (run.IsRetraining)
        {
            // Through the retraining, which notes at its end that the corrections are used.
            return await retraining.ResumeAsync(client, run, cancellation);
        }

        input = input with { FeedbackBatch = run.FeedbackBatch }; // its checkpoint is of these rows
        await PutAsync(input, settings, cancellation);
        if (!await client.TryStartAsync(AdapterPipeline.Name, input, input.RunId, cancellation))
        {
            return $"Run '{run.RunId}' was started by somebody else in this moment.";
        }

        Log.RunStarted(logger, input.RunId, "resume", input.Source);
        return null;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ContinueAsync(
        DurableTaskClient client,
        string project,
        CancellationToken cancellation
    )
    {
        List<string> started = [];
        foreach (RunRecord run in await storage.Runs.ListAsync(project, cancellation))
        {
            if (run.State != RunState.NeedsSettings || run.IsRetraining)
            {
                continue;
            }

            (string runId, bool isNew) = ("", false);
            try
            {
                (runId, isNew) = await StartAsync(client, project, run.Source, run.Trigger, cancellation);
            }
            catch (DatasetException fault)
            {
                Log.RunNotContinued(logger, run.RunId, fault.Message); // its file is gone; the others go on
                continue;
            }

            if (isNew)
            {
                started.Add(runId);
            }

            if (runId != run.RunId)
            {
                await storage.Runs.UpdateAsync(
                    run.RunId,
                    r =>
                        r with
                        {
                            State = RunState.Cancelled,
                            Error = $"The project's settings were put; it goes on as run {runId}.",
                            UpdatedAt = time.GetUtcNow(),
                        },
                    cancellation
                );
            }
        }

        return started;
    }

    /// <summary>Lists a run that an orchestration is about to start.</summary>
    /// <returns>The run; <c>null</c>: the same rows and settings have a version already.</returns>
    public async Task<PipelineInput?> RecordAsync(
        string project,
        string source,
        string feedbackBatch,
        RunTrigger trigger,
        CancellationToken cancellation
    )
    {
        (PipelineInput input, ProjectSettings settings) = await identity.IdentifyAsync(
            project,
            source,
            feedbackBatch,
            trigger,
            cancellation
        );
        if (await IsPublishedAsync(input, cancellation))
        {
            return null;
        }

        await PutAsync(input, settings, cancellation);
        return input;
    }

    /// <summary>Lists a run, with the settings that it keeps.</summary>
    private async Task PutAsync(PipelineInput input, ProjectSettings settings, CancellationToken cancellation)
    {
        await storage.Files.WriteJsonAsync(BlobLayout.RunSettings(input.RunId), settings, cancellation);
        await storage.Files.DeleteAsync(BlobLayout.CancelRequest(input.RunId), cancellation);
        var run = new RunRecord
        {
            RunId = input.RunId,
            Project = input.Project,
            State = RunState.Running,
            Stage = RunStage.Dataset,
            Trigger = input.Trigger,
            Source = input.Source,
            FeedbackBatch = input.FeedbackBatch,
            CreatedAt = time.GetUtcNow(),
            UpdatedAt = time.GetUtcNow(),
        };
        await storage.Runs.PutAsync(run, cancellation);
    }
}
