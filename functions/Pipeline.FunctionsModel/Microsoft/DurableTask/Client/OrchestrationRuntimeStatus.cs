namespace Microsoft.DurableTask.Client;

/// <summary>The state of an orchestration.</summary>
public enum OrchestrationRuntimeStatus
{
    /// <summary>It runs or waits.</summary>
    Running = 0,

    /// <summary>It ended.</summary>
    Completed = 1,

    /// <summary>It failed.</summary>
    Failed = 3,

    /// <summary>It was stopped from outside.</summary>
    Terminated = 5,

    /// <summary>It has not begun.</summary>
    Pending = 6,

    /// <summary>It rests until resumed.</summary>
    Suspended = 7,
}
