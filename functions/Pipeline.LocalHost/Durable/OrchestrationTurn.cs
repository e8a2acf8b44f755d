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
    public static TurnResult Run(string name, string instanceId, IReadOnlyList<HistoryEvent> past, IReadOnlyList<HistoryEvent> fresh, Func<TaskOrchestrationContext, Task<string?>> orchestrator)
    {
        ArgumentNullException.ThrowIfNull(past);
        ArgumentNullException.ThrowIfNull(fresh);
        Dictionary<int, HistoryEvent> recorded = past.Where(IsScheduling).ToDictionary(e => e.TaskId);
        var context = new ReplayContext(name, instanceId, recorded);
        var pump = new OrchestrationPump();
        Task<string?>? running = null;
        var untouched = new List<HistoryEvent>();
        for (int i = 0; i < past.Count + fresh.Count; i++)
        {
            bool replaying = i < past.Count;
            HistoryEvent fact = replaying ? past[i] : fresh[i - past.Count];
            if (running is { IsCompleted: true } || context.NextGeneration is not null)
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
                return Failed(context, new NonDeterministicException($"The history has {recorded.Count} tasks where the orchestrator asks for {context.NextId}. Its code has changed under a running instance, or it does not do the same in every replay."));
            }
        }

        return Conclude(context, running, untouched);
    }

    private static TurnResult Conclude(ReplayContext context, Task<string?>? running, List<HistoryEvent> untouched)
    {
        if (context.Fault is not null)
        {
            return Failed(context, context.Fault);
        }

        if (context.NextGeneration is { } next)
        {
            List<HistoryEvent> kept = next.KeepEvents ? [.. context.Early, .. untouched.Where(e => e.Kind == HistoryKind.EventRaised)] : [];
            return new TurnResult { Scheduled = Sent(context), End = TurnEnd.ContinuedAsNew, Payload = next.Input, CustomStatus = context.CustomStatus, Unprocessed = kept };
        }

        if (running is null)
        {
            return new TurnResult { Scheduled = [], End = TurnEnd.Waiting };
        }

        if (running.IsCompletedSuccessfully)
        {
            return new TurnResult { Scheduled = Sent(context), End = TurnEnd.Completed, Payload = running.Result, CustomStatus = context.CustomStatus };
        }

        if (running.IsCompleted)
        {
            return Failed(context, running.Exception?.InnerException ?? new TaskCanceledException(running));
        }

        return context.Open == 0
            ? Failed(context, new InvalidOperationException("The orchestrator awaits something that is not its context's. Timers, I/O and other tasks belong into activities."))
            : new TurnResult { Scheduled = context.Scheduled, End = TurnEnd.Waiting, CustomStatus = context.CustomStatus };
    }

    private static TurnResult Failed(ReplayContext context, Exception fault) => new()
    {
        Scheduled = Sent(context), End = TurnEnd.Failed, Failure = TaskFailureDetails.FromException(fault), CustomStatus = context.CustomStatus,
    };

    /// <summary>Of an ended orchestration only the events sent still matter.</summary>
    private static List<ScheduledTask> Sent(ReplayContext context) => [.. context.Scheduled.Where(s => s.Event.Kind == HistoryKind.EventSent)];

    private static bool IsScheduling(HistoryEvent fact) =>
        fact.Kind is HistoryKind.ActivityScheduled or HistoryKind.ChildScheduled or HistoryKind.TimerCreated or HistoryKind.EventSent;
}
