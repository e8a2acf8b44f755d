using Microsoft.Extensions.Logging;

namespace Pipeline.Functions;

/// <summary>Everything the app logs. Never the text of a row.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Run {RunId} started: {Trigger} of '{Source}'")]
    public static partial void RunStarted(ILogger logger, string runId, string trigger, string source);

    [LoggerMessage(2, LogLevel.Information, "The same bytes and settings are run {RunId} ({State}): none started")]
    public static partial void RunExists(ILogger logger, string runId, string state);

    [LoggerMessage(3, LogLevel.Information, "'{Name}' is the test set or guard set of project {Project}: none started")]
    public static partial void HeldOutFileDropped(ILogger logger, string project, string name);

    [LoggerMessage(4, LogLevel.Warning, "The drop of '{Name}' into project '{Project}' started nothing: {Reason}")]
    public static partial void DropRefused(ILogger logger, string project, string name, string reason);

    [LoggerMessage(10, LogLevel.Warning, "Run {RunId}, which waited for settings, does not go on: {Reason}")]
    public static partial void RunNotContinued(ILogger logger, string runId, string reason);

    [LoggerMessage(11, LogLevel.Warning, "The verdict {Blob} cannot be read and counts for nothing: {Reason}")]
    public static partial void VerdictUnreadable(ILogger logger, string blob, string reason);

    [LoggerMessage(12, LogLevel.Warning, "Of the end of run {RunId} {To} could not be told: {Reason}")]
    public static partial void NoticeNotSent(ILogger logger, string runId, string to, string reason);

    [LoggerMessage(5, LogLevel.Information, "Run {RunId} heard from its worker: succeeded {Succeeded}")]
    public static partial void ResultReceived(ILogger logger, string runId, bool succeeded);

    [LoggerMessage(
        9,
        LogLevel.Information,
        "A worker's result (succeeded {Succeeded}) came for run {RunId}, which waits for none: it was cancelled, "
            + "given up or purged"
    )]
    public static partial void ResultOfEndedRun(ILogger logger, string runId, bool succeeded);

    [LoggerMessage(6, LogLevel.Information, "Retraining {InstanceId} started: {Waiting} corrections wait")]
    public static partial void RetrainingStarted(ILogger logger, string instanceId, int waiting);

    [LoggerMessage(8, LogLevel.Warning, "Retraining of project {Project} was not looked at: {Reason}")]
    public static partial void RetrainingRefused(ILogger logger, string project, string reason);

    [LoggerMessage(
        7,
        LogLevel.Information,
        "Retraining of project {Project} looked for corrections: {Waiting} wait, none started"
    )]
    public static partial void RetrainingNotDue(ILogger logger, string project, int waiting);
}
