namespace Pipeline.LocalHost.Durable;

/// <summary>One fact in an orchestration's history.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="TaskId">The task's number within the orchestration, from 0; -1 where there is none.</param>
/// <param name="Name">The name of a task or event.</param>
/// <param name="Payload">JSON: an input, a result, a failure.</param>
/// <param name="At">When, UTC; for a timer when it is due.</param>
public sealed record HistoryEvent(HistoryKind Kind, int TaskId, string? Name, string? Payload, DateTime At);

/// <summary>What can happen. The numbers are stored.</summary>
public enum HistoryKind
{
    /// <summary>A turn began; its time is the orchestrator's clock.</summary>
    Turn = 0,
    Started = 1,
    ActivityScheduled = 2,
    ActivityCompleted = 3,
    ActivityFailed = 4,
    TimerCreated = 5,
    TimerFired = 6,
    ChildScheduled = 7,
    ChildCompleted = 8,
    ChildFailed = 9,
    EventRaised = 10,
    EventSent = 11,
}
