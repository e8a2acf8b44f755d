using System.Collections.Concurrent;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

public sealed class ReplayTests
{
    [Fact]
    public async Task ClockAndGuids_InEveryReplay_AreTheSame()
    {
        var seen = new ConcurrentBag<string>();
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Echo", (_, n) => n)
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                seen.Add($"{context.CurrentUtcDateTime:O} {context.NewGuid()} {context.NewGuid()}");
                for (int i = 0; i < 4; i++)
                {
                    await context.CallActivityAsync<int>("Echo", i);
                }

                return "done";
            }));

        await host.RunAsync("Main");

        string one = Assert.Single(seen.Distinct());
        string[] parts = one.Split(' ');
        Assert.NotEqual(parts[1], parts[2]);
    }

    [Fact]
    public async Task Guids_OfTwoInstances_Differ()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<Guid>("Main", context => Task.FromResult(context.NewGuid())));

        Assert.NotEqual((await host.RunAsync("Main")).SerializedOutput, (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task IsReplaying_OncePerStep_IsFalse()
    {
        var fresh = new ConcurrentQueue<int>();
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Echo", (_, n) => n)
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                for (int i = 0; i < 5; i++)
                {
                    await context.CallActivityAsync<int>("Echo", i);
                    if (!context.IsReplaying)
                    {
                        fresh.Enqueue(i);
                    }
                }

                return "done";
            }));

        await host.RunAsync("Main");

        Assert.Equal([0, 1, 2, 3, 4], fresh);
    }

    [Fact]
    public async Task Activities_OverManyReplays_RunOnce()
    {
        var runs = new ConcurrentDictionary<int, int>();
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Count", (_, n) => runs.AddOrUpdate(n, 1, (_, r) => r + 1))
            .AddOrchestratorFunc<int>("Main", async context =>
            {
                int sum = 0;
                for (int i = 0; i < 30; i++)
                {
                    sum += await context.CallActivityAsync<int>("Count", i);
                }

                return sum;
            }));

        Assert.Equal("30", (await host.RunAsync("Main")).SerializedOutput);
        Assert.All(runs.Values, r => Assert.Equal(1, r));
    }

    [Fact]
    public async Task Code_ThatDoesOtherwiseInAReplay_FailsTheInstance()
    {
        int turns = 0;
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("One", (_, _) => "one")
            .AddActivityFunc<string, string>("Other", (_, _) => "other")
            .AddOrchestratorFunc<string>("Main", async context =>
            {
                string first = await context.CallActivityAsync<string>(Interlocked.Increment(ref turns) == 1 ? "One" : "Other", "");
                return first + await context.WaitForExternalEvent<string>("Never");
            }));

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.Equal(OrchestrationRuntimeStatus.Failed, done.RuntimeStatus);
        Assert.NotNull(done.FailureDetails);
    }
}
