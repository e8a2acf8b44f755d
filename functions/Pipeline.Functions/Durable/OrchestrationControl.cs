using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Pipeline.Functions.Durable;

/// <summary>
/// Starts, ends and tells orchestrations from outside. Every durable backend refuses a call about an instance that has
/// ended or never was, and one that creates an instance that runs, each with an exception of its own: so the state is
/// asked first, and once more when a call fails, for it may have changed in between.
/// </summary>
internal static class OrchestrationControl
{
    /// <summary>
    /// How long an instance that was terminated may take to end before the caller is told to try again.
    /// </summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);

    /// <summary>Starts an instance.</summary>
    /// <returns>Whether it was started; one of the id that has not ended is left alone.</returns>
    public static async Task<bool> TryStartAsync(
        this DurableTaskClient client,
        TaskName orchestrator,
        object input,
        string instanceId,
        CancellationToken cancellation
    )
    {
        if (await client.RunsAsync(instanceId, cancellation))
        {
            return false;
        }

        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(
                orchestrator,
                input,
                new StartOrchestrationOptions(instanceId),
                cancellation
            );
            return true;
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            if (await client.RunsAsync(instanceId, cancellation))
            {
                return false; // somebody else started it in between
            }

            throw;
        }
    }

    /// <summary>Sends an event.</summary>
    /// <returns>Whether there was an instance to send it to.</returns>
    public static Task<bool> TryRaiseEventAsync(
        this DurableTaskClient client,
        string instanceId,
        string name,
        object payload,
        CancellationToken cancellation
    ) =>
        client.IfItRunsAsync(
            instanceId,
            () => client.RaiseEventAsync(instanceId, name, payload, cancellation),
            cancellation
        );

    /// <summary>
    /// Ends an instance, running or suspended. It has ended some time later: see <see cref="HasEndedAsync"/>.
    /// </summary>
    /// <returns>Whether there was one to end.</returns>
    public static Task<bool> TryTerminateAsync(
        this DurableTaskClient client,
        string instanceId,
        string reason,
        CancellationToken cancellation
    ) =>
        client.IfItRunsAsync(
            instanceId,
            () => client.TerminateInstanceAsync(instanceId, reason, cancellation),
            cancellation
        );

    /// <summary>Waits a while for an instance's end.</summary>
    /// <returns>Whether it has ended, or never was.</returns>
    public static async Task<bool> HasEndedAsync(
        this DurableTaskClient client,
        string instanceId,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        using var limit = new CancellationTokenSource(EndLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            if (await client.RunsAsync(instanceId, either.Token))
            {
                await client.WaitForInstanceCompletionAsync(instanceId, either.Token);
            }

            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Removes an instance that has ended.</summary>
    /// <returns>Whether nothing of it is left; one that runs is left alone.</returns>
    public static async Task<bool> TryPurgeAsync(
        this DurableTaskClient client,
        string instanceId,
        CancellationToken cancellation
    )
    {
        OrchestrationMetadata? found = await client.GetInstanceAsync(instanceId, false, cancellation);
        if (found is null or { IsCompleted: false })
        {
            return found is null;
        }

        try
        {
            await client.PurgeInstanceAsync(instanceId, cancellation);
            return true;
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            if (await client.GetInstanceAsync(instanceId, false, cancellation) is { IsCompleted: true })
            {
                throw;
            }

            return !await client.RunsAsync(instanceId, cancellation);
        }
    }

    /// <summary>Why an instance has failed; an embedded host's output of it is its failure as text.</summary>
    /// <param name="instance">With its output.</param>
    public static string FailureReason(this OrchestrationMetadata instance) =>
        instance.FailureDetails?.ErrorMessage ?? instance.SerializedOutput ?? "it gave no reason";

    /// <summary>Whether there is an instance that has not ended: waiting, running or suspended.</summary>
    public static async Task<bool> RunsAsync(
        this DurableTaskClient client,
        string instanceId,
        CancellationToken cancellation
    ) => await client.GetInstanceAsync(instanceId, false, cancellation) is { IsCompleted: false };

    private static async Task<bool> IfItRunsAsync(
        this DurableTaskClient client,
        string instanceId,
        Func<Task> call,
        CancellationToken cancellation
    )
    {
        if (!await client.RunsAsync(instanceId, cancellation))
        {
            return false;
        }

        try
        {
            await call();
            return true;
        }
        catch (Exception) when (!cancellation.IsCancellationRequested)
        {
            if (await client.RunsAsync(instanceId, cancellation))
            {
                throw;
            }

            return false; // it ended in between
        }
    }
}
