namespace Microsoft.DurableTask;

/// <summary>Why a task failed, in a form that is stored.</summary>
public record TaskFailureDetails(string ErrorType, string ErrorMessage, string? StackTrace, TaskFailureDetails? InnerFailure, IDictionary<string, object?>? Properties)
{
    /// <summary>The details of an exception and those within it.</summary>
    public static TaskFailureDetails FromException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception is TaskFailedException failed
            ? new TaskFailureDetails(typeof(TaskFailedException).FullName!, failed.Message, exception.StackTrace, failed.FailureDetails, null)
            : new TaskFailureDetails(exception.GetType().FullName!, exception.Message, exception.StackTrace, exception.InnerException is { } inner ? FromException(inner) : null, null);
    }
}
