namespace Microsoft.DurableTask;

/// <summary>How a failed task is retried.</summary>
public sealed class TaskRetryOptions(RetryPolicy policy)
{
    /// <summary>The policy.</summary>
    public RetryPolicy? Policy { get; } = policy;
}
