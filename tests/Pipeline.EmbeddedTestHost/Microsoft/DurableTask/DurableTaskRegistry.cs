using Pipeline.LocalHost.Durable;

namespace Microsoft.DurableTask;

/// <summary>Orchestrators and activities by name. The members are some of the official type's (durabletask-dotnet, src/Abstractions/DurableTaskRegistry.*.cs).</summary>
public sealed class DurableTaskRegistry
{
    private readonly Dictionary<string, Func<TaskOrchestrationContext, Task<string?>>> _orchestrators = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, Func<string?, Task<string?>>> _activities = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds an orchestrator with an input and a result.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TInput, TOutput>(TaskName name, Func<TaskOrchestrationContext, TInput, Task<TOutput>> orchestrator)
    {
        _orchestrators[name.Name] = async context => DurableJson.Write(await orchestrator(context, context.GetInput<TInput>()!).ConfigureAwait(true));
        return this;
    }

    /// <summary>Adds an orchestrator with a result.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TOutput>(TaskName name, Func<TaskOrchestrationContext, Task<TOutput>> orchestrator)
    {
        _orchestrators[name.Name] = async context => DurableJson.Write(await orchestrator(context).ConfigureAwait(true));
        return this;
    }

    /// <summary>Adds an orchestrator with an input and a result that awaits nothing.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TInput, TOutput>(TaskName name, Func<TaskOrchestrationContext, TInput, TOutput> orchestrator) =>
        AddOrchestratorFunc<TInput, TOutput>(name, (context, input) => Task.FromResult(orchestrator(context, input)));

    /// <summary>Adds an orchestrator with a result that awaits nothing.</summary>
    public DurableTaskRegistry AddOrchestratorFunc<TOutput>(TaskName name, Func<TaskOrchestrationContext, TOutput> orchestrator) =>
        AddOrchestratorFunc<TOutput>(name, context => Task.FromResult(orchestrator(context)));

    /// <summary>Adds an activity with an input and a result.</summary>
    public DurableTaskRegistry AddActivityFunc<TInput, TOutput>(TaskName name, Func<TaskActivityContext, TInput, Task<TOutput>> activity)
    {
        _activities[name.Name] = async input => DurableJson.Write(await activity(new ActivityContext(name), DurableJson.Read<TInput>(input)!));
        return this;
    }

    /// <summary>Adds an activity with an input and a result.</summary>
    public DurableTaskRegistry AddActivityFunc<TInput, TOutput>(TaskName name, Func<TaskActivityContext, TInput, TOutput> activity) =>
        AddActivityFunc<TInput, TOutput>(name, (context, input) => Task.FromResult(activity(context, input)));

    internal IDurableFunctions Functions() => new Registered(this);

    private sealed class ActivityContext(TaskName name) : TaskActivityContext
    {
        public override TaskName Name => name;

        public override string InstanceId => throw new NotSupportedException("The embedded engine does not tell an activity its orchestration.");
    }

    private sealed class Registered(DurableTaskRegistry registry) : IDurableFunctions
    {
        public Func<TaskOrchestrationContext, Task<string?>>? Orchestrator(string name) => registry._orchestrators.GetValueOrDefault(name);

        public Task<string?> RunActivityAsync(string name, string? input, CancellationToken cancellation) =>
            registry._activities.TryGetValue(name, out Func<string?, Task<string?>>? activity) ? activity(input) : throw new FunctionNotFoundException(name);
    }
}
