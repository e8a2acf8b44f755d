using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.DurableTask;
using Microsoft.Extensions.Logging;

namespace Pipeline.LocalHost.Durable;

/// <summary>Takes up what is due, runs turns and activities, and commits everything before it is acted on.</summary>
public sealed class OrchestrationEngine(HistoryStore store, IDurableFunctions functions, TimeProvider time, ILogger<OrchestrationEngine> logger) : IAsyncDisposable
{
    private const int MostTurns = 4;
    private const int MostActivities = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);
    private readonly SemaphoreSlim _signal = new(0);
    private readonly SemaphoreSlim _turns = new(MostTurns);
    private readonly SemaphoreSlim _activities = new(MostActivities);
    private readonly ConcurrentDictionary<string, byte> _inTurn = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Task, byte> _running = new();
    private readonly CancellationTokenSource _stop = new();
    private Task? _loop;

    /// <summary>Goes on where the history left off.</summary>
    public void Start()
    {
        foreach (WorkItem item in store.OpenWork())
        {
            Launch(() => RunActivityAsync(item));
        }

        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Says that something may be due.</summary>
    public void Signal() => _signal.Release();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null)
        {
            await _loop;
        }

        await Task.WhenAll(_running.Keys).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // faults are logged where they happen
        _stop.Dispose();
        _signal.Dispose();
        _turns.Dispose();
        _activities.Dispose();
    }

    private async Task LoopAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            (IReadOnlyList<string> ready, DateTimeOffset? next) = Due();
            foreach (string instanceId in ready)
            {
                if (_inTurn.TryAdd(instanceId, 0))
                {
                    Launch(() => RunTurnAsync(instanceId));
                }
            }

            TimeSpan wait = next is { } due ? due - time.GetUtcNow() : LongestWait;
            wait = wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait > LongestWait ? LongestWait : wait;
            await WaitAsync(wait);
        }
    }

    /// <summary>Waits for a signal, or for a while; several signals are one.</summary>
    private async Task WaitAsync(TimeSpan most)
    {
        using var clock = new CancellationTokenSource(most, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(clock.Token, _stop.Token);
        try
        {
            await _signal.WaitAsync(either.Token);
            while (_signal.CurrentCount > 0)
            {
                await _signal.WaitAsync(_stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // time is up, or the engine stops
        }
    }

    private async Task RunTurnAsync(string instanceId)
    {
        await _turns.WaitAsync(_stop.Token);
        try
        {
            DateTimeOffset now = time.GetUtcNow();
            (InstanceRow? instance, IReadOnlyList<HistoryEvent> past, IReadOnlyList<InboxItem> inbox) = store.Load(instanceId, now);
            if (instance is null or { HasEnded: true } || inbox.Count == 0)
            {
                return;
            }

            HistoryEvent[] fresh = [new HistoryEvent(HistoryKind.Turn, -1, null, null, now.UtcDateTime), .. inbox.Select(i => i.Event)];
            TurnResult result = functions.Orchestrator(instance.Name) is { } orchestrator
                ? OrchestrationTurn.Run(instance.Name, instanceId, past, fresh, orchestrator, () => Launch(() => EndStrayAsync(instance)))
                : new TurnResult { Scheduled = [], End = TurnEnd.Failed, Failure = FunctionNotFound.Orchestrator(instance.Name) };
            foreach (WorkItem item in store.Commit(instance, past.Count, fresh, inbox, result, now))
            {
                Launch(() => RunActivityAsync(item));
            }

            if (result.Failure is not null)
            {
                Log.OrchestrationFailed(logger, instanceId, result.Failure.ErrorMessage);
            }
        }
        catch (SqliteException fault)
        {
            Log.EngineFault(logger, fault);
            await Task.Delay(Pause, time, _stop.Token); // nothing of the turn was kept: it is made again
        }
        finally
        {
            _turns.Release();
            _inTurn.TryRemove(instanceId, out _);
            Signal();
        }
    }

    /// <summary>Something that an orchestrator awaited beside its context has come to an end after its turn: it fails rather than hangs.</summary>
    private Task EndStrayAsync(InstanceRow instance)
    {
        var failure = TaskFailureDetails.FromException(OrchestrationTurn.IllegalAwait());
        if (store.Fail(instance, DurableJson.Write(failure)!, time.GetUtcNow()))
        {
            Log.OrchestrationFailed(logger, instance.InstanceId, failure.ErrorMessage);
            Signal();
        }

        return Task.CompletedTask;
    }

    private async Task RunActivityAsync(WorkItem item)
    {
        await _activities.WaitAsync(_stop.Token);
        try
        {
            if (!store.IsOpen(item))
            {
                return; // terminated before it began
            }

            HistoryEvent outcome;
            try
            {
                string? result = await functions.RunActivityAsync(item.Name, item.Input, _stop.Token);
                outcome = new HistoryEvent(HistoryKind.ActivityCompleted, item.TaskId, item.Name, result, time.GetUtcNow().UtcDateTime);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return; // it is run again at the next start
            }
            catch (FunctionNotFoundException fault)
            {
                outcome = new HistoryEvent(HistoryKind.ActivityFailed, item.TaskId, item.Name, DurableJson.Write(FunctionNotFound.Activity(fault.Name)), time.GetUtcNow().UtcDateTime);
            }
            catch (Exception fault)
            {
                Log.ActivityFailed(logger, item.Name, item.InstanceId, fault.Message);
                outcome = new HistoryEvent(HistoryKind.ActivityFailed, item.TaskId, item.Name, DurableJson.Write(TaskFailureDetails.FromException(fault)), time.GetUtcNow().UtcDateTime);
            }

            await KeepAsync(item, outcome);
        }
        finally
        {
            _activities.Release();
            Signal();
        }
    }

    /// <summary>Looks for what is due; a database that does not answer is asked again.</summary>
    private (IReadOnlyList<string> Ready, DateTimeOffset? Next) Due()
    {
        try
        {
            return store.Due(time.GetUtcNow());
        }
        catch (Exception fault)
        {
            Log.EngineFault(logger, fault);
            return ([], time.GetUtcNow() + Pause);
        }
    }

    /// <summary>Keeps a result, however often the database has to be asked: an activity that has run must not be lost.</summary>
    private async Task KeepAsync(WorkItem item, HistoryEvent outcome)
    {
        while (true)
        {
            try
            {
                store.CompleteWork(item, outcome, time.GetUtcNow());
                return;
            }
            catch (SqliteException fault)
            {
                Log.EngineFault(logger, fault);
                await Task.Delay(Pause, time, _stop.Token);
            }
        }
    }

    private void Launch(Func<Task> work)
    {
        Task task = Task.Run(work);
        _running.TryAdd(task, 0);
        task.ContinueWith(
            done =>
            {
                _running.TryRemove(done, out _);
                if (done.Exception?.InnerException is { } fault and not OperationCanceledException)
                {
                    Log.EngineFault(logger, fault);
                }
            },
            TaskScheduler.Default);
    }
}
