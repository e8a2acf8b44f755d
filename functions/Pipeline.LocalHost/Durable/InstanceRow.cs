using Microsoft.DurableTask.Client;

namespace Pipeline.LocalHost.Durable;

/// <summary>An orchestration as stored.</summary>
public sealed record InstanceRow
{
    public required string InstanceId { get; init; }
    public required string Name { get; init; }
    public required OrchestrationRuntimeStatus Status { get; init; }
    public string? Input { get; init; }
    public string? Output { get; init; }
    public string? CustomStatus { get; init; }

    /// <summary>JSON of the failure's details.</summary>
    public string? Failure { get; init; }

    /// <summary>The orchestration that waits for this one, and its task's number there.</summary>
    public string? ParentId { get; init; }
    public int ParentTaskId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    public bool HasEnded => Status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;
}

/// <summary>An activity to be run. Its own id tells it from one of the same number in another life of the instance.</summary>
public sealed record WorkItem(long Id, string InstanceId, int TaskId, string Name, string? Input);

/// <summary>A fact that waits to be taken up.</summary>
public sealed record InboxItem(long Id, HistoryEvent Event);
