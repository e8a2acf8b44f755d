using Microsoft.Extensions.Logging;

namespace Pipeline.Worker;

/// <summary>Everything the worker logs. Never the text of a row.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Run {RunId}: training starts (attempt {Attempt})")]
    public static partial void TrainingStarted(ILogger logger, string runId, string attempt);

    [LoggerMessage(2, LogLevel.Information, "Run {RunId}: the training result is sent (succeeded {Succeeded})")]
    public static partial void ResultSent(ILogger logger, string runId, bool succeeded);

    [LoggerMessage(3, LogLevel.Warning, "Run {RunId}: another worker has the job")]
    public static partial void JobLost(ILogger logger, string runId);

    [LoggerMessage(4, LogLevel.Warning, "Run {RunId}: {Fault}; the job goes back to the queue")]
    public static partial void JobReturned(ILogger logger, string runId, string fault);

    [LoggerMessage(5, LogLevel.Warning, "Run {RunId}: progress was not written: {Reason}")]
    public static partial void ProgressNotWritten(ILogger logger, string runId, string reason);

    [LoggerMessage(6, LogLevel.Warning, "Storage does not answer ({Reason}); trying again")]
    public static partial void StorageAway(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Error, "Message {MessageId} is a dead letter now: {Reason}")]
    public static partial void DeadLetter(ILogger logger, string messageId, string reason);
}
