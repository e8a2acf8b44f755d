using System.Diagnostics.CodeAnalysis;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Worker;

namespace Pipeline.LocalHost.Commands;

/// <summary>The orchestrators and the activity that <c>bench</c> runs.</summary>
internal sealed class BenchTasks : IDurableTaskFactory
{
    public const string Chain = "Chain";
    public const string SideBySide = "SideBySide";
    public const string Wait = "Wait";
    public const string Go = "Go";

    public bool TryCreateActivity(
        TaskName name,
        IServiceProvider serviceProvider,
        [NotNullWhen(true)] out ITaskActivity? activity
    )
    {
        activity = name.Name == nameof(Step) ? new Step() : null;
        return activity is not null;
    }

    public bool TryCreateOrchestrator(
        TaskName name,
        IServiceProvider serviceProvider,
        [NotNullWhen(true)] out ITaskOrchestrator? orchestrator
    )
    {
        orchestrator = name.Name switch
        {
            Chain => new ChainOf(),
            SideBySide => new ManyOf(),
            Wait => new Waiting(),
            _ => null,
        };
        return orchestrator is not null;
    }

    private sealed class Step : TaskActivity<int, int>
    {
        public override Task<int> RunAsync(TaskActivityContext context, int input) => Task.FromResult(1);
    }

    private sealed class ChainOf : TaskOrchestrator<int, int>
    {
        public override async Task<int> RunAsync(TaskOrchestrationContext context, int input)
        {
            int sum = 0;
            for (int i = 0; i < input; i++)
            {
                sum += await context.CallActivityAsync<int>(nameof(Step), i);
            }

            return sum;
        }
    }

    private sealed class ManyOf : TaskOrchestrator<int, int>
    {
        public override async Task<int> RunAsync(TaskOrchestrationContext context, int input) =>
            (
                await Task.WhenAll(
                    Enumerable.Range(0, input).Select(i => context.CallActivityAsync<int>(nameof(Step), i))
                )
            ).Sum();
    }

    private sealed class Waiting : TaskOrchestrator<int, int>
    {
        public override Task<int> RunAsync(TaskOrchestrationContext context, int input) =>
            context.WaitForExternalEvent<int>(Go);
    }
}
