namespace Microsoft.DurableTask;

/// <summary>An activity or sub-orchestration failed for good.</summary>
public sealed class TaskFailedException : Exception
{
    /// <summary>Makes one.</summary>
    public TaskFailedException(string taskName, int taskId, TaskFailureDetails failureDetails)
        : base($"Task '{taskName}' (#{taskId}) failed with an unhandled exception: {failureDetails?.ErrorMessage}")
    {
        ArgumentNullException.ThrowIfNull(failureDetails);
        (TaskName, TaskId, FailureDetails) = (taskName, taskId, failureDetails);
    }

    /// <summary>The task's name.</summary>
    public string TaskName { get; }

    /// <summary>Its number within the orchestration.</summary>
    public int TaskId { get; }

    /// <summary>What it failed with.</summary>
    public TaskFailureDetails FailureDetails { get; }
}
