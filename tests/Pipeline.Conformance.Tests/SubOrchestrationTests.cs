using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

public sealed class SubOrchestrationTests
{
    [Fact]
    public async Task Children_InParallel_GiveTheirResults()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Double", (_, n) => 2 * n)
            .AddOrchestratorFunc<int, int>("Child", async (context, n) => await context.CallActivityAsync<int>("Double", n))
            .AddOrchestratorFunc<int[]>("Main", context => Task.WhenAll(Enumerable.Range(1, 6).Select(n => context.CallSubOrchestratorAsync<int>("Child", n)))));

        Assert.Equal("[2,4,6,8,10,12]", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Child_WithAnIdOfItsOwn_IsFoundUnderIt()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddOrchestratorFunc<string>("Child", context => Task.FromResult(context.InstanceId))
            .AddOrchestratorFunc<string>("Main", async context => await context.CallSubOrchestratorAsync<string>("Child", null, new SubOrchestrationOptions(null, context.InstanceId + "-child"))));
        string id = await host.BeginAsync("Main");

        Assert.Equal($"\"{id}-child\"", (await host.EndAsync(id)).SerializedOutput);
        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await host.EndAsync(id + "-child")).RuntimeStatus);
    }

    [Fact]
    public async Task Failure_OfAChild_IsCaughtWithNameTypeAndMessage()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddOrchestratorFunc<string>("Child", context => Fail<string>(new FormatException("child broke on " + context.GetInput<string>())))
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                try
                {
                    return await context.CallSubOrchestratorAsync<string>("Child", "x");
                }
                catch (TaskFailedException fault)
                {
                    return $"{fault.TaskName}|{fault.FailureDetails.ErrorType}|{fault.FailureDetails.ErrorMessage}";
                }
            }));

        Assert.Equal("\"Child|System.FormatException|child broke on x\"", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Failure_ThreeLevelsDown_IsToldAtTheTop()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Break", (_, _) => Fail<string>(new InvalidOperationException("the deepest")))
            .AddOrchestratorFunc<string>("Grandchild", async context => await context.CallActivityAsync<string>("Break", ""))
            .AddOrchestratorFunc<string>("Child", async context => await context.CallSubOrchestratorAsync<string>("Grandchild"))
            .AddOrchestratorFunc<string>("Main", async context => await context.CallSubOrchestratorAsync<string>("Child")));

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, typeof(TaskFailedException).FullName), (done.RuntimeStatus, done.FailureDetails!.ErrorType));
        Assert.Equal(
            "Task 'Child' (#0) failed with an unhandled exception: Task 'Grandchild' (#0) failed with an unhandled exception: Task 'Break' (#0) failed with an unhandled exception: the deepest",
            done.FailureDetails.ErrorMessage);
    }

    [Fact]
    public async Task Failure_OfAnActivityInAChild_HoldsTheActivitysReasonInside()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Break", (_, _) => Fail<string>(new InvalidOperationException("the reason")))
            .AddOrchestratorFunc<string>("Child", async context => await context.CallActivityAsync<string>("Break", ""))
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                try
                {
                    return await context.CallSubOrchestratorAsync<string>("Child");
                }
                catch (TaskFailedException fault)
                {
                    return $"{fault.FailureDetails.ErrorType}|{fault.FailureDetails.InnerFailure!.ErrorType}|{fault.FailureDetails.InnerFailure.ErrorMessage}";
                }
            }));

        Assert.Equal("\"Microsoft.DurableTask.TaskFailedException|System.InvalidOperationException|the reason\"", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Child_ThatIsTerminated_FailsItsParent()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddOrchestratorFunc<string?>("Child", async context => await context.WaitForExternalEvent<string>("Never"))
            .AddOrchestratorFunc<string?>("Main", async context => await context.CallSubOrchestratorAsync<string?>("Child", null, new SubOrchestrationOptions(null, context.InstanceId + "-child"))));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id + "-child", m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.Client.TerminateInstanceAsync(id + "-child", (object?)"stop", Cancellation);

        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await host.EndAsync(id)).RuntimeStatus);
    }
}
