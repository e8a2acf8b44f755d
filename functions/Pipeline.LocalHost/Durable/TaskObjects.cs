using DurableTask.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Worker;
using Microsoft.DurableTask.Worker.Shims;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// What a history names as an orchestrator, for the engine's core. A name that there is none of fails the orchestration
/// by that name.
/// </summary>
internal sealed class OrchestratorObjects(
    IDurableTaskFactory factory,
    DurableTaskShimFactory shims,
    IServiceProvider services
) : INameVersionObjectManager<TaskOrchestration>
{
    public void Add(ObjectCreator<TaskOrchestration> creator) =>
        throw new NotSupportedException("Orchestrators are the functions of the app.");

    public TaskOrchestration GetObject(string name, string? version) =>
        factory.TryCreateOrchestrator(name, services, out ITaskOrchestrator? found)
            ? shims.CreateOrchestration(name, found)
            : shims.CreateOrchestration<object, object>(
                name,
                (_, _) => throw new InvalidOperationException($"There is no orchestrator function '{name}'.")
            );
}

/// <summary>The same for activities.</summary>
internal sealed class ActivityObjects(
    IDurableTaskFactory factory,
    DurableTaskShimFactory shims,
    IServiceProvider services
) : INameVersionObjectManager<TaskActivity>
{
    public void Add(ObjectCreator<TaskActivity> creator) =>
        throw new NotSupportedException("Activities are the functions of the app.");

    public TaskActivity GetObject(string name, string? version) =>
        factory.TryCreateActivity(name, services, out ITaskActivity? found)
            ? shims.CreateActivity(name, found)
            : shims.CreateActivity<object, object>(
                name,
                (_, _) => throw new InvalidOperationException($"There is no activity function '{name}'.")
            );
}
