using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;

namespace Pipeline.Functions.Training;

/// <summary>
/// Hands a job to the queue and waits for its worker, however long that takes: after each look it begins anew, so that
/// its history stays short.
/// </summary>
public static class TrainingWatch
{
    public const string Name = nameof(TrainingWatch);

    /// <summary>The event with which a worker's result comes in.</summary>
    public const string Finished = "TrainingFinished";

    /// <summary>The instance that waits for a run's worker.</summary>
    public static string InstanceOf(string runId) => runId + "-training";

    [Function(Name)]
    public static async Task<TrainingEnd> Run(
        [OrchestrationTrigger] TaskOrchestrationContext context,
        TrainingWait wait
    )
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(wait);
        SubmittedJob handle =
            wait.Handle
            ?? await context.CallActivityAsync<SubmittedJob>(
                wait.Job.Evaluates is null ? SubmitTraining.Name : SubmitEvaluation.Name,
                wait.Job,
                Retries.TransientFaults
            );

        // One wait over the whole of this look: one that is given up swallows the event that comes next.
        Task<TrainingResult> finished = context.WaitForExternalEvent<TrainingResult>(Finished);
        using var stop = new CancellationTokenSource();
        Task deadline = context.CreateTimer(
            wait.HasBegun(handle) ? handle.HeartbeatDeadline : handle.StartDeadline,
            stop.Token
        );
        if (await Task.WhenAny(finished, deadline) == deadline)
        {
            JobHeartbeat heartbeat = await context.CallActivityAsync<JobHeartbeat>(
                ReadHeartbeat.Name,
                wait.Job.RunId,
                Retries.TransientFaults
            );
            if (!finished.IsCompleted)
            {
                // Two looks in a row at a job that has not moved end the wait: one alone may only mean that the host
                // was stopped for a while.
                if (heartbeat.Lines == wait.LinesBefore && !heartbeat.WorkerIsBusy)
                {
                    return new TrainingEnd(
                        handle.Version,
                        new TrainingResult(wait.Job.RunId, wait.Job.Attempt, false, false, Silence(handle, heartbeat))
                    );
                }

                context.ContinueAsNew(wait with { Handle = handle, LinesBefore = heartbeat.Lines });
                return null!;
            }
        }

        stop.Cancel();
        TrainingResult result = await finished;
        if (result.Attempt == wait.Job.Attempt)
        {
            return new TrainingEnd(handle.Version, result);
        }

        context.ContinueAsNew(wait with { Handle = handle }); // the word of an earlier start of the run
        return null!;
    }

    private static string Silence(SubmittedJob handle, JobHeartbeat heartbeat) =>
        heartbeat.Lines <= handle.LinesAtStart
            ? $"No worker took the job within twice {handle.StartDeadline}. Is one running? In Azure, look at the "
                + "container job's executions: a GPU may not have been had. Then start the run again."
            : $"The worker has been silent for twice {handle.HeartbeatDeadline}. Start the run again to go on from "
                + "its checkpoint.";
}

/// <summary>A wait for a worker.</summary>
/// <param name="Job">The job.</param>
/// <param name="Handle">What its submission came to; <c>null</c>: it has not been submitted.</param>
/// <param name="LinesBefore">Lines of progress at the last look; -1: there was none.</param>
public sealed record TrainingWait(TrainingAttempt Job, SubmittedJob? Handle, int LinesBefore)
{
    /// <summary>Whether a worker had begun at the last look.</summary>
    public bool HasBegun(SubmittedJob handle) => LinesBefore > (handle?.LinesAtStart ?? 0);
}

/// <summary>How a wait ended.</summary>
public sealed record TrainingEnd(int Version, TrainingResult Result);
