using System.Reflection;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;

namespace Pipeline.LocalHost.Hosting;

/// <summary>The functions of an assembly, and how to call them.</summary>
public sealed class FunctionCatalog
{
    private readonly IServiceProvider _services;
    private readonly Dictionary<string, HostedFunction> _functions;

    public FunctionCatalog(IServiceProvider services, Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        _services = services;
        _functions = assembly
            .GetTypes()
            .SelectMany(t =>
                t.GetMethods(
                    BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly
                )
            )
            .Select(Define)
            .OfType<HostedFunction>()
            .ToDictionary(f => f.Name, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Every function.</summary>
    public IEnumerable<HostedFunction> All => _functions.Values;

    /// <summary>Functions started by one kind of trigger.</summary>
    public IEnumerable<(HostedFunction Function, T Trigger)> TriggeredBy<T>()
        where T : TriggerBindingAttribute => All.Where(f => f.Trigger is T).Select(f => (f, (T)f.Trigger));

    /// <summary>The function of a name that one kind of trigger starts; <c>null</c>: there is none.</summary>
    public HostedFunction? Find<T>(string name)
        where T : TriggerBindingAttribute =>
        _functions.TryGetValue(name, out HostedFunction? function) && function.Trigger is T ? function : null;

    /// <summary>Calls an orchestrator: on the engine's own scheduler, with nothing but what it is bound to.</summary>
    public Task<object?> RunOrchestratorAsync(HostedFunction function, Func<ParameterInfo, object?> bind) =>
        Call(function, bind, _services, CancellationToken.None);

    /// <summary>Calls a function with services of its own.</summary>
    /// <param name="function">The function.</param>
    /// <param name="bind">The value of the trigger's parameter and of parameters that no service stands for.</param>
    /// <param name="cancellation">Handed to the function.</param>
    /// <returns>Its result; <c>null</c> when it has none.</returns>
    public async Task<object?> InvokeAsync(
        HostedFunction function,
        Func<ParameterInfo, object?> bind,
        CancellationToken cancellation
    )
    {
        await using AsyncServiceScope scope = _services.CreateAsyncScope();
        return await Call(function, bind, scope.ServiceProvider, cancellation);
    }

    private static async Task<object?> Call(
        HostedFunction function,
        Func<ParameterInfo, object?> bind,
        IServiceProvider services,
        CancellationToken cancellation
    )
    {
        object? target = function.Method.IsStatic
            ? null
            : ActivatorUtilities.CreateInstance(services, function.Method.DeclaringType!);
        object?[] arguments =
        [
            .. function.Parameters.Select(p =>
                p.ParameterType == typeof(CancellationToken) ? cancellation
                : p.GetCustomAttribute<DurableClientAttribute>() is not null
                    ? services.GetRequiredService<DurableTaskClient>()
                : bind(p)
            ),
        ];
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

    private static HostedFunction? Define(MethodInfo method)
    {
        if (method.GetCustomAttribute<FunctionAttribute>() is not { } function)
        {
            return null;
        }

        ParameterInfo[] parameters = method.GetParameters();
        ParameterInfo trigger =
            parameters.FirstOrDefault(p => p.GetCustomAttribute<TriggerBindingAttribute>() is not null)
            ?? throw new InvalidOperationException($"The function '{function.Name}' has no trigger.");
        return new HostedFunction(
            function.Name,
            method,
            parameters,
            trigger,
            trigger.GetCustomAttribute<TriggerBindingAttribute>()!
        );
    }
}
