using Microsoft.DurableTask;

namespace Pipeline.Functions.Durable;

/// <summary>How activities are retried.</summary>
internal static class Retries
{
    /// <summary>
    /// For transient faults, on top of the storage SDK's own retries: five attempts within about a minute. A
    /// <see cref="RunFailedException"/>, which no retry mends, fails at once.
    /// </summary>
    public static TaskOptions TransientFaults { get; } =
        TaskOptions.FromRetryPolicy(
            new RetryPolicy(5, TimeSpan.FromSeconds(2), 2, TimeSpan.FromSeconds(30))
            {
                // by its name alone: the history of a run may have been written before it changed its namespace
                HandleFailure = failure =>
                    !failure.ErrorType.EndsWith("." + nameof(RunFailedException), StringComparison.Ordinal),
            }
        );

    /// <summary>For people who are to be told something: six attempts within about four minutes.</summary>
    public static TaskOptions Notices { get; } =
        TaskOptions.FromRetryPolicy(new RetryPolicy(6, TimeSpan.FromSeconds(2), 3, TimeSpan.FromMinutes(3)));
}
