using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

public sealed class EventTests
{
    [Fact]
    public async Task Events_BeforeTheirAwaits_AreKeptInOrderWhateverTheirCase()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            await context.WaitForExternalEvent<string>("Begin");
            return string.Concat(await context.WaitForExternalEvent<int>("Go"), await context.WaitForExternalEvent<int>("gO"), await context.WaitForExternalEvent<int>("GO"));
        }));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        for (int i = 1; i <= 3; i++)
        {
            await host.Client.RaiseEventAsync(id, i == 2 ? "GO" : "go", i, Cancellation);
        }

        await host.Client.RaiseEventAsync(id, "Begin", "", Cancellation);

        Assert.Equal("\"123\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task Event_WhileOneWaits_CarriesItsPayload()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            ActivityTests.Order? order = await context.WaitForExternalEvent<ActivityTests.Order>("Order");
            return $"{order!.Name} {order.Parts.Count} {await context.WaitForExternalEvent<string?>("Nothing") is null}";
        }));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.Client.RaiseEventAsync(id, "Order", new ActivityTests.Order("x", 1, ["a", "b"]), Cancellation);
        await host.Client.RaiseEventAsync(id, "Nothing", (object?)null, Cancellation);

        Assert.Equal("\"x 2 True\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task Event_WithSeveralWaiters_GoesToTheLatest()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            Task<int> first = context.WaitForExternalEvent<int>("Go");
            Task<int> second = context.WaitForExternalEvent<int>("Go");
            context.SetCustomStatus("waits");
            int[] both = await Task.WhenAll(first, second);
            return $"{both[0]},{both[1]}";
        }));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"waits\"");

        await host.Client.RaiseEventAsync(id, "Go", 1, Cancellation);
        await host.Client.RaiseEventAsync(id, "Go", 2, Cancellation);

        Assert.Equal("\"2,1\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task Wait_WhoseTimeRunsOut_ThrowsAndALaterWaitStillGetsItsEvent()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            try
            {
                await context.WaitForExternalEvent<string>("Go", TimeSpan.FromMilliseconds(150));
                return "early";
            }
            catch (TaskCanceledException)
            {
                Task<string?> later = context.WaitForExternalEvent<string>("Go");
                context.SetCustomStatus("waits again");
                return "late " + await later;
            }
        }));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"waits again\"");

        await host.Client.RaiseEventAsync(id, "Go", "x", Cancellation);

        Assert.Equal("\"late x\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task Wait_WhoseEventComesInTime_CancelsItsTimer()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string?>("Main", async context => await context.WaitForExternalEvent<string>("Go", TimeSpan.FromHours(1))));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.Client.RaiseEventAsync(id, "go", "in time", Cancellation);

        Assert.Equal("\"in time\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task OneWait_HeldOverManyTimers_GetsTheEventWheneverItComes()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            Task<string?> answer = context.WaitForExternalEvent<string>("Answer");
            for (int looks = 1; ; looks++)
            {
                using var stop = new CancellationTokenSource();
                Task timer = context.CreateTimer(TimeSpan.FromMilliseconds(40), stop.Token);
                if (await Task.WhenAny(answer, timer) == answer)
                {
                    stop.Cancel();
                    return (looks > 2) + " " + await answer;
                }

                context.SetCustomStatus(looks);
            }
        }));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "4");

        await host.Client.RaiseEventAsync(id, "Answer", "x", Cancellation);

        Assert.Equal("\"True x\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task Waits_ForOneNameAndTwoTypes_AreRefused()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            _ = context.WaitForExternalEvent<int>("Go");
            try
            {
                await context.WaitForExternalEvent<string>("Go");
                return "taken";
            }
            catch (ArgumentException)
            {
                return "refused";
            }
        }));

        Assert.Equal("\"refused\"", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task SendEvent_ToAnotherOrchestration_Arrives()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddOrchestratorFunc<string?>("Receiver", async context => await context.WaitForExternalEvent<string>("Word"))
            .AddOrchestratorFunc<string, string>("Sender", (context, receiver) =>
            {
                context.SendEvent(receiver, "word", "hello");
                return Task.FromResult("sent");
            }));
        string receiver = await host.BeginAsync("Receiver");
        await host.UntilAsync(receiver, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.RunAsync("Sender", receiver);

        Assert.Equal("\"hello\"", (await host.EndAsync(receiver)).SerializedOutput);
    }

    [Fact]
    public async Task Event_ForAnEndedOrchestration_ChangesNothing()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", _ => Task.FromResult("done")));
        OrchestrationMetadata done = await host.RunAsync("Main");

        await host.Client.RaiseEventAsync(done.InstanceId, "Go", 1, Cancellation);

        Assert.Equal((OrchestrationRuntimeStatus.Completed, "\"done\""), ((await host.EndAsync(done.InstanceId)).RuntimeStatus, done.SerializedOutput));
    }
}
