using System.Security.Cryptography;
using System.Text;
using Microsoft.DurableTask;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// The orchestrator's world: every call gets the next number, is held against the history where that has the number, and
/// is scheduled where it has not.
/// </summary>
internal sealed class ReplayContext(string name, string instanceId, IReadOnlyDictionary<int, HistoryEvent> recorded) : TaskOrchestrationContext
{
    private readonly Dictionary<int, Action<HistoryEvent>> _open = [];
    private readonly Dictionary<string, Queue<HistoryEvent>> _early = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Stack<EventWaiter>> _waiters = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ScheduledTask> _scheduled = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private bool _replaying = true;
    private int _nextId;
    private int _guids;
    private DateTime _now;
    private string? _input;

    public IReadOnlyList<ScheduledTask> Scheduled => _scheduled;

    /// <summary>Tasks and events that the orchestrator waits for.</summary>
    public int Open => _open.Count + _waiters.Values.Sum(w => w.Count(x => !x.Abandoned));

    public int NextId => _nextId;
    public Exception? Fault { get; private set; }
    public string? CustomStatus { get; private set; }
    public (string? Input, bool KeepEvents)? NextGeneration { get; private set; }
    public IReadOnlyList<HistoryEvent> Early => [.. _early.Values.SelectMany(q => q)];

    public override TaskName Name => name;
    public override string InstanceId => instanceId;
    public override DateTime CurrentUtcDateTime => _now;
    public override bool IsReplaying => _replaying;

    /// <summary>Takes up a fact.</summary>
    public void Apply(HistoryEvent fact, bool replaying)
    {
        _replaying = replaying;
        switch (fact.Kind)
        {
            case HistoryKind.Turn:
                _now = fact.At;
                break;
            case HistoryKind.Started:
                _input = fact.Payload;
                break;
            case HistoryKind.EventRaised:
                Raise(fact);
                break;
            case HistoryKind.ActivityCompleted or HistoryKind.ActivityFailed or HistoryKind.ChildCompleted or HistoryKind.ChildFailed or HistoryKind.TimerFired:
                if (_open.Remove(fact.TaskId, out Action<HistoryEvent>? complete))
                {
                    complete(fact);
                }

                break;
        }
    }

    public override T? GetInput<T>()
        where T : default => DurableJson.Read<T>(_input);

    public override Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null)
    {
        string? payload = DurableJson.Write(input);
        return WithRetry(options, () => Schedule<TResult>(HistoryKind.ActivityScheduled, name.Name, payload, null));
    }

    public override Task<TResult> CallSubOrchestratorAsync<TResult>(TaskName orchestratorName, object? input = null, TaskOptions? options = null)
    {
        string? payload = DurableJson.Write(input);
        string? child = (options as SubOrchestrationOptions)?.InstanceId;
        child ??= NewGuid().ToString("N"); // a retry takes the same one
        return WithRetry(options, () => Schedule<TResult>(HistoryKind.ChildScheduled, orchestratorName.Name, payload, child));
    }

    public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource();
        int id = Record(HistoryKind.TimerCreated, null, null, null, fireAt.ToUniversalTime());
        _open[id] = _ => done.TrySetResult();
        cancellationToken.Register(() =>
        {
            _open.Remove(id);
            done.TrySetCanceled(cancellationToken);
        });
        return done.Task;
    }

    public override Task<T?> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default)
        where T : default
    {
        var done = new TaskCompletionSource<T?>();
        if (_early.TryGetValue(eventName, out Queue<HistoryEvent>? early) && early.TryDequeue(out HistoryEvent? came))
        {
            Answer(done, came);
            return done.Task;
        }

        Stack<EventWaiter> waiters = _waiters.TryGetValue(eventName, out Stack<EventWaiter>? known) ? known : _waiters[eventName] = new();
        if (waiters.TryPeek(out EventWaiter? other) && other.Type != typeof(T))
        {
            throw new ArgumentException($"Events with the same name must have the same type argument. Expected {other.Type.FullName} but was requested {typeof(T).FullName}.", nameof(eventName));
        }

        var waiter = new EventWaiter(typeof(T), fact => Answer(done, fact));
        waiters.Push(waiter);
        cancellationToken.Register(() =>
        {
            waiter.Abandoned = true;
            done.TrySetCanceled(cancellationToken);
        });
        return done.Task;
    }

    public override void SendEvent(string instanceId, string eventName, object payload) =>
        Record(HistoryKind.EventSent, eventName, DurableJson.Write(payload), instanceId, _now);

    public override void SetCustomStatus(object? customStatus) => CustomStatus = DurableJson.Write(customStatus);

    public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true) =>
        NextGeneration = (DurableJson.Write(newInput), preserveUnprocessedEvents);

    public override Guid NewGuid()
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{instanceId}|{_now:O}|{_guids++}"));
        return new Guid(hash.AsSpan(0, 16));
    }

    private async Task<T> WithRetry<T>(TaskOptions? options, Func<Task<T>> attempt)
    {
        RetryPolicy? policy = options?.Retry?.Policy;
        DateTime first = _now;
        for (int number = 1; ; number++)
        {
            try
            {
                return await attempt().ConfigureAwait(true);
            }
            catch (TaskFailedException fault) when (policy is not null && number < policy.MaxNumberOfAttempts && !FunctionNotFound.Is(fault.FailureDetails) && Within(policy, first))
            {
                double factor = Math.Pow(policy.BackoffCoefficient, number - 1);
                var pause = TimeSpan.FromTicks((long)Math.Min(policy.FirstRetryInterval.Ticks * factor, policy.MaxRetryInterval.Ticks));
                await CreateTimer(_now + pause, CancellationToken.None).ConfigureAwait(true);
            }
        }
    }

    private bool Within(RetryPolicy policy, DateTime first) => policy.RetryTimeout == Timeout.InfiniteTimeSpan || _now - first < policy.RetryTimeout;

    private Task<T> Schedule<T>(HistoryKind kind, string taskName, string? payload, string? child)
    {
        var done = new TaskCompletionSource<T>();
        int id = Record(kind, taskName, payload, child, _now);
        _open[id] = fact =>
        {
            if (fact.Kind is HistoryKind.ActivityFailed or HistoryKind.ChildFailed)
            {
                done.TrySetException(new TaskFailedException(taskName, id, DurableJson.Read<TaskFailureDetails>(fact.Payload)!));
            }
            else
            {
                Answer(done!, fact);
            }
        };
        return done.Task;
    }

    private static void Answer<T>(TaskCompletionSource<T?> done, HistoryEvent fact)
    {
        try
        {
            done.TrySetResult(DurableJson.Read<T>(fact.Payload));
        }
        catch (System.Text.Json.JsonException fault)
        {
            done.TrySetException(fault);
        }
    }

    private int Record(HistoryKind kind, string? taskName, string? payload, string? target, DateTime at)
    {
        if (Environment.CurrentManagedThreadId != _thread)
        {
            throw OrchestrationTurn.IllegalAwait(); // after ConfigureAwait(false), or from a task of the orchestrator's own
        }

        int id = _nextId++;
        if (recorded.TryGetValue(id, out HistoryEvent? before))
        {
            if (before.Kind != kind || !string.Equals(before.Name, taskName, StringComparison.OrdinalIgnoreCase))
            {
                Fault = new NonDeterministicException($"Task #{id} is {kind} '{taskName}' where the history has {before.Kind} '{before.Name}'. The orchestrator's code has changed under a running instance, or it does not do the same in every replay.");
                throw Fault;
            }
        }
        else
        {
            _scheduled.Add(new ScheduledTask(new HistoryEvent(kind, id, taskName, payload, at), target));
        }

        return id;
    }

    /// <summary>
    /// The waiter that came last gets the event, and one that was cancelled swallows it: both are what the official worker
    /// does (durabletask-dotnet, Worker/Core/Shims/TaskOrchestrationContextWrapper.cs), so that what would lose an event
    /// there loses it here, in a test.
    /// </summary>
    private void Raise(HistoryEvent fact)
    {
        if (_waiters.TryGetValue(fact.Name!, out Stack<EventWaiter>? waiters) && waiters.TryPop(out EventWaiter? last))
        {
            last.Complete(fact);
            return;
        }

        Queue<HistoryEvent> early = _early.TryGetValue(fact.Name!, out Queue<HistoryEvent>? known) ? known : _early[fact.Name!] = new();
        early.Enqueue(fact);
    }

    private sealed record EventWaiter(Type Type, Action<HistoryEvent> Complete)
    {
        public bool Abandoned { get; set; }
    }
}
