using Microsoft.Extensions.Logging;

namespace Pipeline.LocalHost;

/// <summary>Everything the host logs.</summary>
internal static partial class Log
{
    [LoggerMessage(4, LogLevel.Warning, "Function {Name} failed on {What} (attempt {Attempt}): {Reason}")]
    public static partial void TriggerFailed(ILogger logger, string name, string what, int attempt, string reason);

    [LoggerMessage(5, LogLevel.Error, "{What} failed {Attempts} times and is a dead letter now: {Reason}")]
    public static partial void DeadLetter(ILogger logger, string what, int attempts, string reason);

    [LoggerMessage(6, LogLevel.Warning, "Storage does not answer ({Reason}); trying again")]
    public static partial void StorageAway(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Warning, "The worker ended with exit code {Code}; starting it again")]
    public static partial void WorkerEnded(ILogger logger, int code);

    [LoggerMessage(8, LogLevel.Information, "worker: {Line}")]
    public static partial void WorkerSaid(ILogger logger, string line);
}
