using Microsoft.DurableTask;

namespace Pipeline.LocalHost.Durable;

/// <summary>The orchestrators and activities that the engine runs.</summary>
public interface IDurableFunctions
{
    /// <summary>The orchestrator of a name: from its context to the JSON of its result; <c>null</c>: there is none.</summary>
    Func<TaskOrchestrationContext, Task<string?>>? Orchestrator(string name);

    /// <summary>Runs an activity.</summary>
    /// <returns>The JSON of its result.</returns>
    /// <exception cref="FunctionNotFoundException">There is no such activity.</exception>
    Task<string?> RunActivityAsync(string name, string? input, CancellationToken cancellation);
}
