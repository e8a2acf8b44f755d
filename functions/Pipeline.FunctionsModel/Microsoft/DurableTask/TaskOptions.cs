namespace Microsoft.DurableTask;

/// <summary>How an activity or sub-orchestration is run.</summary>
public record TaskOptions
{
    /// <summary>Makes options.</summary>
    public TaskOptions(TaskRetryOptions? retry)
    {
        Retry = retry;
    }

    /// <summary>Copies options.</summary>
    public TaskOptions(TaskOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Retry = options.Retry;
    }

    /// <summary>Retries; <c>null</c>: none.</summary>
    public TaskRetryOptions? Retry { get; init; }

    /// <summary>Options that retry by a policy.</summary>
    public static TaskOptions FromRetryPolicy(RetryPolicy policy) => new(new TaskRetryOptions(policy));
}
