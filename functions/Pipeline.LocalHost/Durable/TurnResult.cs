using Microsoft.DurableTask;

namespace Pipeline.LocalHost.Durable;

/// <summary>What one turn of an orchestration came to.</summary>
public sealed record TurnResult
{
    /// <summary>Tasks scheduled in this turn. Those that nobody waits for are done all the same, as on the official hosts.</summary>
    public required IReadOnlyList<ScheduledTask> Scheduled { get; init; }

    public required TurnEnd End { get; init; }

    /// <summary>JSON of the result, or of the next input.</summary>
    public string? Payload { get; init; }

    /// <summary>Why it failed.</summary>
    public TaskFailureDetails? Failure { get; init; }

    /// <summary>JSON of the custom status; <c>null</c>: there is none.</summary>
    public string? CustomStatus { get; init; }

    /// <summary>Events that came and were not awaited, to be carried into the next generation.</summary>
    public IReadOnlyList<HistoryEvent> Unprocessed { get; init; } = [];
}

/// <summary>How a turn ended.</summary>
public enum TurnEnd
{
    Waiting,
    Completed,
    Failed,
    ContinuedAsNew,
}

/// <summary>A task to be done, or an event to be sent.</summary>
/// <param name="Event">The fact for the history.</param>
/// <param name="InstanceId">The child or the receiver, for those.</param>
public sealed record ScheduledTask(HistoryEvent Event, string? InstanceId);
