using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using DurableTask.Core.Exceptions;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Worker;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// The app's orchestrators and activities, by their functions' names, as the durable engine asks for them.
/// </summary>
/// <param name="catalog">The functions.</param>
/// <param name="options">How the host runs.</param>
/// <param name="stopping">Cancelled when the host stops.</param>
internal sealed class FunctionTaskFactory(FunctionCatalog catalog, HostOptions options, CancellationToken stopping)
    : IDurableTaskFactory
{
    public bool TryCreateOrchestrator(
        TaskName name,
        IServiceProvider serviceProvider,
        [NotNullWhen(true)] out ITaskOrchestrator? orchestrator
    )
    {
        orchestrator = catalog.Find<OrchestrationTriggerAttribute>(name.Name) is { } function
            ? new Orchestrator(catalog, function)
            : null;
        return orchestrator is not null;
    }

    public bool TryCreateActivity(
        TaskName name,
        IServiceProvider serviceProvider,
        [NotNullWhen(true)] out ITaskActivity? activity
    )
    {
        activity = catalog.Find<ActivityTriggerAttribute>(name.Name) is { } function
            ? new Activity(catalog, function, options, stopping)
            : null;
        return activity is not null;
    }

    /// <summary>An orchestrator: a static function of its context and, where it declares one, of its input.</summary>
    private sealed class Orchestrator(FunctionCatalog catalog, HostedFunction function) : ITaskOrchestrator
    {
        private readonly ParameterInfo? _input = function.Parameters.FirstOrDefault(p =>
            p != function.TriggerParameter && p.ParameterType != typeof(CancellationToken)
        );

        public Type InputType => _input?.ParameterType ?? typeof(object);

        public Type OutputType => typeof(object);

        public Task<object?> RunAsync(TaskOrchestrationContext context, object? input) =>
            catalog.RunOrchestratorAsync(
                function,
                p =>
                    p == function.TriggerParameter ? context
                    : p == _input ? input
                    : null
            );
    }

    private sealed class Activity(
        FunctionCatalog catalog,
        HostedFunction function,
        HostOptions options,
        CancellationToken stopping
    ) : ITaskActivity
    {
        public Type InputType => function.TriggerParameter.ParameterType;

        public Type OutputType => typeof(object);

        public async Task<object?> RunAsync(TaskActivityContext context, object? input)
        {
            try
            {
                Task<object?> CallAsync() =>
                    catalog.InvokeAsync(function, p => p == function.TriggerParameter ? input : null, stopping);
                return await (options.AroundActivity is { } around ? around(function.Name, CallAsync) : CallAsync());
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                throw new SessionAbortedException("The host stops."); // the engine gives the work back: it was not done
            }
        }
    }
}
