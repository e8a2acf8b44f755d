using Microsoft.DurableTask;

namespace Pipeline.LocalHost.Durable;

/// <summary>Failures for want of a function, named as the official worker names them; no retry mends them.</summary>
internal static class FunctionNotFound
{
    private const string OrchestratorType = "OrchestratorTaskNotFound";
    private const string ActivityType = "ActivityTaskNotFound";

    public static TaskFailureDetails Orchestrator(string name) => new(OrchestratorType, $"No orchestrator task named '{name}' was found.", null, null, null);

    public static TaskFailureDetails Activity(string name) => new(ActivityType, $"No activity task named '{name}' was found.", null, null, null);

    public static bool Is(TaskFailureDetails failure) => failure.ErrorType is OrchestratorType or ActivityType;
}
