namespace Microsoft.DurableTask;

/// <summary>All that an orchestrator may use: everything it awaits comes from here.</summary>
public abstract class TaskOrchestrationContext
{
    /// <summary>The orchestrator's name.</summary>
    public abstract TaskName Name { get; }

    /// <summary>The instance's id.</summary>
    public abstract string InstanceId { get; }

    /// <summary>The time of the event being worked on, the same in every replay.</summary>
    public abstract DateTime CurrentUtcDateTime { get; }

    /// <summary>Whether the code runs over what has already happened.</summary>
    public abstract bool IsReplaying { get; }

    /// <summary>The input.</summary>
    public abstract T? GetInput<T>();

    /// <summary>Runs an activity.</summary>
    public virtual Task CallActivityAsync(TaskName name, object? input = null, TaskOptions? options = null) => CallActivityAsync<object?>(name, input, options);

    /// <summary>Runs an activity for its result.</summary>
    public abstract Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null);

    /// <summary>Waits.</summary>
    public virtual Task CreateTimer(TimeSpan delay, CancellationToken cancellationToken) => CreateTimer(CurrentUtcDateTime.Add(delay), cancellationToken);

    /// <summary>Waits until a time.</summary>
    public abstract Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken);

    /// <summary>Waits for an event.</summary>
    public abstract Task<T?> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default);

    /// <summary>Waits for an event for a time.</summary>
    /// <exception cref="TaskCanceledException">The time ran out.</exception>
    public Task<T?> WaitForExternalEvent<T>(string eventName, TimeSpan timeout) => WaitForExternalEvent<T>(eventName, timeout, CancellationToken.None);

    /// <summary>Waits for an event for a time.</summary>
    /// <exception cref="TaskCanceledException">The time ran out.</exception>
    public async Task<T?> WaitForExternalEvent<T>(string eventName, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timerEnd = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var eventEnd = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task timer = CreateTimer(timeout, timerEnd.Token);
        Task<T?> occurrence = WaitForExternalEvent<T>(eventName, eventEnd.Token);
        Task first = await Task.WhenAny(timer, occurrence).ConfigureAwait(true);
        if (first == occurrence)
        {
            timerEnd.Cancel();
        }
        else
        {
            eventEnd.Cancel();
        }

        return await occurrence.ConfigureAwait(true);
    }

    /// <summary>Sends an event to another orchestration.</summary>
    public abstract void SendEvent(string instanceId, string eventName, object payload);

    /// <summary>Sets what is shown of the state.</summary>
    public abstract void SetCustomStatus(object? customStatus);

    /// <summary>Runs another orchestration for its result.</summary>
    public abstract Task<TResult> CallSubOrchestratorAsync<TResult>(TaskName orchestratorName, object? input = null, TaskOptions? options = null);

    /// <summary>Begins anew with another input and an empty history.</summary>
    public abstract void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true);

    /// <summary>A Guid that is the same in every replay.</summary>
    public abstract Guid NewGuid();
}
