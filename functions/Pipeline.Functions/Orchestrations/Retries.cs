using Microsoft.DurableTask;

namespace Pipeline.Functions.Orchestrations;

/// <summary>How activities are retried.</summary>
internal static class Retries
{
    /// <summary>
    /// For faults of the world, behind the storage SDK's own retries: five attempts within about a minute. What no
    /// retry mends, a <see cref="RunFailedException"/>, fails at once.
    /// </summary>
    public static TaskOptions Storage { get; } =
        TaskOptions.FromRetryPolicy(
            new RetryPolicy(5, TimeSpan.FromSeconds(2), 2, TimeSpan.FromSeconds(30))
            {
                HandleFailure = failure => failure.ErrorType != typeof(RunFailedException).FullName,
            }
        );
}
