using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.LocalHost.Durable;

namespace Pipeline.LocalHost.Hosting;

/// <summary>The functions of an assembly, and how to call them.</summary>
public sealed class FunctionCatalog : IDurableFunctions
{
    private readonly IServiceProvider _services;
    private readonly Dictionary<string, FunctionDefinition> _functions;

    public FunctionCatalog(IServiceProvider services, Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        _services = services;
        _functions = assembly.GetTypes().SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Select(Define).OfType<FunctionDefinition>().ToDictionary(f => f.Name, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Every function.</summary>
    public IEnumerable<FunctionDefinition> All => _functions.Values;

    /// <summary>Functions started by one kind of trigger.</summary>
    public IEnumerable<(FunctionDefinition Function, T Trigger)> Of<T>()
        where T : TriggerBindingAttribute => All.Where(f => f.Trigger is T).Select(f => (f, (T)f.Trigger));

    public Func<TaskOrchestrationContext, Task<string?>>? Orchestrator(string name) =>
        _functions.TryGetValue(name, out FunctionDefinition? function) && function.Trigger is OrchestrationTriggerAttribute
            ? async context => DurableJson.Write(await Call(function, p => p == function.TriggerParameter ? context : null, _services, CancellationToken.None).ConfigureAwait(true))
            : null;

    public async Task<string?> RunActivityAsync(string name, string? input, CancellationToken cancellation)
    {
        if (!_functions.TryGetValue(name, out FunctionDefinition? function) || function.Trigger is not ActivityTriggerAttribute)
        {
            throw new FunctionNotFoundException(name);
        }

        return DurableJson.Write(await InvokeAsync(function, p => DurableJson.Read(input, p.ParameterType), cancellation));
    }

    /// <summary>Calls a function with services of its own.</summary>
    /// <param name="function">The function.</param>
    /// <param name="bind">The value of the trigger's parameter and of parameters that no service stands for.</param>
    /// <param name="cancellation">Handed to the function.</param>
    /// <returns>Its result; <c>null</c> when it has none.</returns>
    public async Task<object?> InvokeAsync(FunctionDefinition function, Func<ParameterInfo, object?> bind, CancellationToken cancellation)
    {
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        return await Call(function, bind, scope.ServiceProvider, cancellation);
    }

    private static async Task<object?> Call(FunctionDefinition function, Func<ParameterInfo, object?> bind, IServiceProvider services, CancellationToken cancellation)
    {
        object? target = function.Method.IsStatic ? null : ActivatorUtilities.CreateInstance(services, function.Method.DeclaringType!);
        object?[] arguments = [.. function.Method.GetParameters().Select(p =>
            p.ParameterType == typeof(CancellationToken) ? cancellation
            : p.GetCustomAttribute<DurableClientAttribute>() is not null ? services.GetRequiredService<DurableTaskClient>()
            : bind(p))];
        object? returned = function.Method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, arguments, null);
        if (returned is not Task task)
        {
            return returned;
        }

        await task.ConfigureAwait(true);
        Type type = task.GetType();
        object? result = type.IsGenericType ? type.GetProperty(nameof(Task<object>.Result))!.GetValue(task) : null;
        return result?.GetType().FullName == "System.Threading.Tasks.VoidTaskResult" ? null : result;
    }

    private static FunctionDefinition? Define(MethodInfo method)
    {
        if (method.GetCustomAttribute<FunctionAttribute>() is not { } function)
        {
            return null;
        }

        ParameterInfo trigger = method.GetParameters().FirstOrDefault(p => p.GetCustomAttribute<TriggerBindingAttribute>() is not null)
            ?? throw new InvalidOperationException($"The function '{function.Name}' has no trigger.");
        return new FunctionDefinition(function.Name, method, trigger, trigger.GetCustomAttribute<TriggerBindingAttribute>()!);
    }
}
