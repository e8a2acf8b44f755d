using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

public sealed class ContinueAsNewTests
{
    [Fact]
    public async Task ContinueAsNew_WithAnInput_BeginsAgainWithIt()
    {
        int calls = 0;
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Add", (_, n) =>
            {
                Interlocked.Increment(ref calls);
                return n + 1;
            })
            .AddOrchestratorFunc<int, int>("Main", async (context, n) =>
            {
                n = await context.CallActivityAsync<int>("Add", n);
                if (n < 20)
                {
                    context.ContinueAsNew(n);
                }

                return n;
            }));

        Assert.Equal(("20", 20), ((await host.RunAsync("Main", 0)).SerializedOutput, calls));
    }

    [Fact]
    public async Task ContinueAsNew_EventsThatWereNotAwaited_AreThereAfterwards()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<int, string>("Main", async (context, generation) =>
        {
            await context.WaitForExternalEvent<string>("Begin" + generation);
            if (generation < 3)
            {
                context.ContinueAsNew(generation + 1);
                return "";
            }

            return await context.WaitForExternalEvent<string>("Kept") + await context.WaitForExternalEvent<string>("Kept");
        }));
        string id = await host.BeginAsync("Main", 1);
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.Client.RaiseEventAsync(id, "Kept", "a", Cancellation);
        await host.Client.RaiseEventAsync(id, "Kept", "b", Cancellation);
        foreach (string begin in (string[])["Begin1", "Begin2", "Begin3"])
        {
            await host.Client.RaiseEventAsync(id, begin, "", Cancellation);
        }

        Assert.Equal("\"ab\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task ContinueAsNew_WithoutKeepingEvents_DropsThem()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<bool, string>("Main", async (context, second) =>
        {
            if (!second)
            {
                await context.WaitForExternalEvent<string>("Begin");
                context.ContinueAsNew(true, preserveUnprocessedEvents: false);
                return "";
            }

            context.SetCustomStatus("second");
            return await context.WaitForExternalEvent<string>("Word") ?? "";
        }));
        string id = await host.BeginAsync("Main", false);
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);
        await host.Client.RaiseEventAsync(id, "Word", "old", Cancellation);
        await host.Client.RaiseEventAsync(id, "Begin", "", Cancellation);
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"second\"");

        await host.Client.RaiseEventAsync(id, "Word", "new", Cancellation);

        Assert.Equal("\"new\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task ContinueAsNew_AndThenAFault_FailsInstead()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<int, string>("Main", (context, n) =>
        {
            context.ContinueAsNew(n + 1);
            return Fail<string>(new InvalidOperationException($"fault in generation {n}"));
        }));

        OrchestrationMetadata done = await host.RunAsync("Main", 1);

        Assert.Equal((OrchestrationRuntimeStatus.Failed, "fault in generation 1"), (done.RuntimeStatus, done.FailureDetails!.ErrorMessage));
    }

    [Fact]
    public async Task ContinueAsNew_OfAChild_AnswersItsParentAtTheEnd()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddOrchestratorFunc<int, int>("Child", async (context, n) =>
            {
                await context.CreateTimer(TimeSpan.FromMilliseconds(10), CancellationToken.None);
                if (n < 4)
                {
                    context.ContinueAsNew(n + 1);
                }

                return n;
            })
            .AddOrchestratorFunc<int>("Main", async context => await context.CallSubOrchestratorAsync<int>("Child", 1)));

        Assert.Equal("4", (await host.RunAsync("Main")).SerializedOutput);
    }
}
