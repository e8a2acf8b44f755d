using System.Collections.Concurrent;
using Microsoft.DurableTask;
using Pipeline.LocalHost.Durable;

namespace Pipeline.LocalHost.Tests.Durable;

/// <summary>Orchestrators and activities written in a test.</summary>
internal sealed class TestFunctions : IDurableFunctions
{
    private readonly ConcurrentDictionary<string, Func<TaskOrchestrationContext, Task<object?>>> _orchestrators = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, Func<string?, Task<object?>>> _activities = new(StringComparer.OrdinalIgnoreCase);

    public TestFunctions Add(string name, Func<TaskOrchestrationContext, Task<object?>> orchestrator)
    {
        _orchestrators[name] = orchestrator;
        return this;
    }

    public TestFunctions AddActivity<T>(string name, Func<T?, object?> activity)
    {
        _activities[name] = input => Task.FromResult(activity(DurableJson.Read<T>(input)));
        return this;
    }

    public TestFunctions AddActivity<T>(string name, Func<T?, Task<object?>> activity)
    {
        _activities[name] = input => activity(DurableJson.Read<T>(input));
        return this;
    }

    public Func<TaskOrchestrationContext, Task<string?>>? Orchestrator(string name) =>
        _orchestrators.TryGetValue(name, out Func<TaskOrchestrationContext, Task<object?>>? code) ? async context => DurableJson.Write(await code(context)) : null;

    public async Task<string?> RunActivityAsync(string name, string? input, CancellationToken cancellation) => _activities.TryGetValue(name, out Func<string?, Task<object?>>? activity) ? DurableJson.Write(await activity(input)) : throw new FunctionNotFoundException(name);
}
