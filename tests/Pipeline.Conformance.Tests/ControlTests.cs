using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

/// <summary>What is done to an orchestration from outside.</summary>
public sealed class ControlTests
{
    private static void Waiter(DurableTaskRegistry tasks) => tasks
        .AddActivityFunc<string, string>("Echo", (_, text) => text)
        .AddOrchestratorFunc<string>("Main", async context =>
        {
            context.SetCustomStatus("waits");
            string? word = await context.WaitForExternalEvent<string>("Go");
            return await context.CallActivityAsync<string>("Echo", "got " + word);
        })
        .AddOrchestratorFunc<string, string>("Quick", (_, text) => Task.FromResult(text));

    [Fact]
    public async Task Terminate_OneThatWaits_EndsItWithTheOutputGiven()
    {
        await using DurableTaskTestHost host = await StartAsync(Waiter);
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"waits\"");

        await host.Client.TerminateInstanceAsync(id, (object?)"enough", Cancellation);

        OrchestrationMetadata done = await host.EndAsync(id);
        Assert.Equal((OrchestrationRuntimeStatus.Terminated, "\"enough\"", true), (done.RuntimeStatus, done.SerializedOutput, done.IsCompleted));
        await host.Client.RaiseEventAsync(id, "Go", "x", Cancellation);
        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await host.EndAsync(id)).RuntimeStatus);
    }

    [Fact]
    public async Task Suspend_WhileEventsCome_HoldsThemUntilItIsResumed()
    {
        await using DurableTaskTestHost host = await StartAsync(Waiter);
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"waits\"");

        await host.Client.SuspendInstanceAsync(id, "a rest", Cancellation);
        OrchestrationMetadata resting = await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Suspended);
        await host.Client.RaiseEventAsync(id, "Go", "x", Cancellation);
        await Task.Delay(300, Cancellation);
        OrchestrationMetadata still = (await host.Client.GetInstanceAsync(id, true, Cancellation))!;
        await host.Client.ResumeInstanceAsync(id, "on", Cancellation);

        Assert.Equal((true, false), (resting.IsRunning, resting.IsCompleted));
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, still.RuntimeStatus);
        OrchestrationMetadata done = await host.EndAsync(id);
        Assert.Equal((OrchestrationRuntimeStatus.Completed, "\"got x\""), (done.RuntimeStatus, done.SerializedOutput));
    }

    [Fact]
    public async Task Suspend_WhileATimerRuns_LetsItFireAfterwards()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            await context.CreateTimer(TimeSpan.FromMilliseconds(500), CancellationToken.None);
            return "fired";
        }));
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Running);

        await host.Client.SuspendInstanceAsync(id, "a rest", Cancellation);
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Suspended);
        await Task.Delay(900, Cancellation);
        Assert.Equal(OrchestrationRuntimeStatus.Suspended, (await host.Client.GetInstanceAsync(id, false, Cancellation))!.RuntimeStatus);
        await host.Client.ResumeInstanceAsync(id, "on", Cancellation);

        Assert.Equal("\"fired\"", (await host.EndAsync(id)).SerializedOutput);
    }

    [Fact]
    public async Task Terminate_OneThatRests_EndsIt()
    {
        await using DurableTaskTestHost host = await StartAsync(Waiter);
        string id = await host.BeginAsync("Main");
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "\"waits\"");
        await host.Client.SuspendInstanceAsync(id, "a rest", Cancellation);
        await host.UntilAsync(id, m => m.RuntimeStatus == OrchestrationRuntimeStatus.Suspended);

        await host.Client.TerminateInstanceAsync(id, (object?)null, Cancellation);

        Assert.Equal(OrchestrationRuntimeStatus.Terminated, (await host.EndAsync(id)).RuntimeStatus);
    }

    [Fact]
    public async Task Suspend_OneThatHasEnded_ChangesNothing()
    {
        await using DurableTaskTestHost host = await StartAsync(Waiter);
        OrchestrationMetadata done = await host.RunAsync("Quick", "x");

        await host.Client.SuspendInstanceAsync(done.InstanceId, "a rest", Cancellation);

        Assert.Equal(OrchestrationRuntimeStatus.Completed, (await host.EndAsync(done.InstanceId)).RuntimeStatus);
    }

    [Fact]
    public async Task Purge_OneThatHasEnded_RemovesItAndOneThatWaitsStays()
    {
        await using DurableTaskTestHost host = await StartAsync(Waiter);
        string ended = (await host.RunAsync("Quick", "x")).InstanceId;
        string waits = await host.BeginAsync("Main");
        await host.UntilAsync(waits, m => m.SerializedCustomStatus == "\"waits\"");

        PurgeResult first = await host.Client.PurgeInstanceAsync(ended, Cancellation);
        PurgeResult second = await host.Client.PurgeInstanceAsync(ended, Cancellation);
        PurgeResult open = await host.Client.PurgeInstanceAsync(waits, Cancellation);

        Assert.Equal((1, 0, 0), (first.PurgedInstanceCount, second.PurgedInstanceCount, open.PurgedInstanceCount));
        Assert.Null(await host.Client.GetInstanceAsync(ended, true, Cancellation));
        Assert.NotNull(await host.Client.GetInstanceAsync(waits, true, Cancellation));
    }

    [Fact]
    public async Task Start_WithTheIdOfOneThatHasEnded_RunsAnew()
    {
        await using DurableTaskTestHost host = await StartAsync(Waiter);
        string id = await host.BeginAsync("Quick", "first", "the-id");
        Assert.Equal("\"first\"", (await host.EndAsync(id)).SerializedOutput);

        await host.BeginAsync("Quick", "second", "the-id");

        OrchestrationMetadata again = await host.UntilAsync("the-id", m => m.SerializedOutput == "\"second\"");
        Assert.Equal(OrchestrationRuntimeStatus.Completed, again.RuntimeStatus);
    }

    [Fact]
    public async Task Start_AtATime_WaitsForIt()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<DateTime>("Main", context => Task.FromResult(context.CurrentUtcDateTime)));
        DateTimeOffset due = DateTimeOffset.UtcNow.AddMilliseconds(700);
        string id = await host.Client.ScheduleNewOrchestrationInstanceAsync("Main", null, new StartOrchestrationOptions(null, due), Cancellation);

        Assert.Equal(OrchestrationRuntimeStatus.Pending, (await host.Client.GetInstanceAsync(id, false, Cancellation))!.RuntimeStatus);
        OrchestrationMetadata done = await host.EndAsync(id);

        Assert.True(System.Text.Json.JsonSerializer.Deserialize<DateTime>(done.SerializedOutput!) >= due.UtcDateTime.AddMilliseconds(-50));
    }

    [Fact]
    public async Task Get_OneThatIsUnknown_IsNull()
    {
        await using DurableTaskTestHost host = await StartAsync(Waiter);

        Assert.Null(await host.Client.GetInstanceAsync("nobody", true, Cancellation));
    }

    [Fact]
    public async Task CustomStatus_SetAndSetAgain_IsTheLatest()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string?>("Main", async context =>
        {
            context.SetCustomStatus(new { Stage = "first", Done = 1 });
            await context.WaitForExternalEvent<string>("Go");
            context.SetCustomStatus(new { Stage = "second", Done = 2 });
            return await context.WaitForExternalEvent<string>("End");
        }));
        string id = await host.BeginAsync("Main");

        await host.UntilAsync(id, m => m.SerializedCustomStatus == "{\"Stage\":\"first\",\"Done\":1}");
        await host.Client.RaiseEventAsync(id, "Go", "", Cancellation);
        await host.UntilAsync(id, m => m.SerializedCustomStatus == "{\"Stage\":\"second\",\"Done\":2}");
        await host.Client.RaiseEventAsync(id, "End", "", Cancellation);

        Assert.Equal("{\"Stage\":\"second\",\"Done\":2}", (await host.EndAsync(id)).SerializedCustomStatus);
    }
}
