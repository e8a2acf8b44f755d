using Microsoft.DurableTask;

namespace Pipeline.LocalHost.Durable;

/// <summary>One turn: the orchestrator runs over all that has happened and a little further. Pure: the same facts give the same result.</summary>
public static class OrchestrationTurn
{
    /// <summary>Runs a turn.</summary>
    /// <param name="name">The orchestrator's name.</param>
    /// <param name="instanceId">The instance.</param>
    /// <param name="past">The history.</param>
    /// <param name="fresh">What came since, a <see cref="HistoryKind.Turn"/> first.</param>
    /// <param name="orchestrator">The code: from its context to the JSON of its result.</param>
    /// <param name="onStray">Called when, after the turn, something goes on that the code awaited beside its context.</param>
    public static TurnResult Run(
        string name, string instanceId, IReadOnlyList<HistoryEvent> past, IReadOnlyList<HistoryEvent> fresh, Func<TaskOrchestrationContext, Task<string?>> orchestrator, Action? onStray = null)
    {
        ArgumentNullException.ThrowIfNull(past);
        ArgumentNullException.ThrowIfNull(fresh);
        Dictionary<int, HistoryEvent> recorded = past.Where(IsScheduling).ToDictionary(e => e.TaskId);
        var context = new ReplayContext(name, instanceId, recorded);
        int strays = 0;
        bool over = false;
        var pump = new OrchestrationPump(() =>
        {
            Interlocked.Increment(ref strays);
            if (Volatile.Read(ref over))
            {
                onStray?.Invoke();
            }
        });
        Task<string?>? running = null;
        var untouched = new List<HistoryEvent>();
        for (int i = 0; i < past.Count + fresh.Count; i++)
        {
            bool replaying = i < past.Count;
            HistoryEvent fact = replaying ? past[i] : fresh[i - past.Count];
            if (running is { IsCompleted: true })
            {
                untouched.Add(fact);
                continue;
            }

            pump.Run(() =>
            {
                context.Apply(fact, replaying);
                if (fact.Kind == HistoryKind.Started)
                {
                    running = orchestrator(context);
                }
            });
            if (i == past.Count - 1 && context.Fault is null && recorded.Keys.Any(id => id >= context.NextId))
            {
                return Broken(context, new NonDeterministicException($"The history has {recorded.Count} tasks where the orchestrator asks for {context.NextId}. Its code has changed under a running instance, or it does not do the same in every replay."));
            }
        }

        pump.Close();
        Volatile.Write(ref over, true);
        return Volatile.Read(ref strays) > 0 && running is not { IsCompleted: true } ? Broken(context, IllegalAwait()) : Conclude(context, running, untouched);
    }

    /// <summary>Why an orchestrator that awaits something else than its context's tasks cannot go on.</summary>
    public static InvalidOperationException IllegalAwait() => new("The orchestrator awaits something that is not its context's. Timers, I/O and other tasks belong into activities.");

    private static TurnResult Conclude(ReplayContext context, Task<string?>? running, List<HistoryEvent> untouched)
    {
        if (context.Fault is not null)
        {
            return Broken(context, context.Fault);
        }

        if (running is null)
        {
            return new TurnResult { Scheduled = [], End = TurnEnd.Waiting };
        }

        if (running.IsCompletedSuccessfully && context.NextGeneration is { } next)
        {
            List<HistoryEvent> kept = next.KeepEvents ? [.. context.Early, .. untouched.Where(e => e.Kind == HistoryKind.EventRaised)] : [];
            List<ScheduledTask> sent = [.. context.Scheduled.Where(s => s.Event.Kind == HistoryKind.EventSent)];
            return new TurnResult { Scheduled = sent, End = TurnEnd.ContinuedAsNew, Payload = next.Input, CustomStatus = context.CustomStatus, Unprocessed = kept };
        }

        if (running.IsCompletedSuccessfully)
        {
            return new TurnResult { Scheduled = context.Scheduled, End = TurnEnd.Completed, Payload = running.Result, CustomStatus = context.CustomStatus };
        }

        if (running.IsCompleted)
        {
            return Failed(context, running.Exception?.InnerException ?? new TaskCanceledException(running));
        }

        return context.Open == 0
            ? Broken(context, IllegalAwait())
            : new TurnResult { Scheduled = context.Scheduled, End = TurnEnd.Waiting, CustomStatus = context.CustomStatus };
    }

    /// <summary>What the orchestrator asked for in a turn that cannot be trusted is not done.</summary>
    private static TurnResult Broken(ReplayContext context, Exception fault) => Failed(context, fault) with { Scheduled = [] };

    private static TurnResult Failed(ReplayContext context, Exception fault) => new()
    {
        Scheduled = context.Scheduled, End = TurnEnd.Failed, Failure = TaskFailureDetails.FromException(fault), CustomStatus = context.CustomStatus,
    };

    private static bool IsScheduling(HistoryEvent fact) =>
        fact.Kind is HistoryKind.ActivityScheduled or HistoryKind.ChildScheduled or HistoryKind.TimerCreated or HistoryKind.EventSent;
}
