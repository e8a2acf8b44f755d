using System.Diagnostics;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

public sealed class RetryTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public async Task Activity_ThatAlwaysFails_RunsAsOftenAsThePolicySays(int attempts)
    {
        int runs = 0;
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Break", (_, _) => Fail<string>(new InvalidOperationException($"fault {Interlocked.Increment(ref runs)}")))
            .AddOrchestratorFunc<string>("Main", async context => await context.CallActivityAsync<string>("Break", "x", Retry(attempts))));

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, attempts), (done.RuntimeStatus, runs));
        Assert.Equal($"fault {attempts}", done.FailureDetails!.InnerFailure!.ErrorMessage); // the last one's reason
    }

    [Fact]
    public async Task Activity_ThatSucceedsAtLast_IsRunNoMore()
    {
        int runs = 0;
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Flaky", (_, n) => Interlocked.Increment(ref runs) < 3 ? throw new InvalidOperationException("not yet") : n)
            .AddOrchestratorFunc<int>("Main", async context => await context.CallActivityAsync<int>("Flaky", 42, Retry(9))));

        Assert.Equal(("42", 3), ((await host.RunAsync("Main")).SerializedOutput, runs));
    }

    [Fact]
    public async Task Pauses_WithABackoff_GrowByItsFactor()
    {
        var times = new List<long>();
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Break", (_, _) =>
            {
                times.Add(Stopwatch.GetTimestamp());
                return Fail<string>(new InvalidOperationException("broke"));
            })
            .AddOrchestratorFunc<string>("Main", async context => await context.CallActivityAsync<string>("Break", "x", Retry(4, 60, 3))));

        await host.RunAsync("Main");

        double[] pauses = [.. times.Zip(times.Skip(1)).Select(p => Stopwatch.GetElapsedTime(p.First, p.Second).TotalMilliseconds)];
        Assert.Equal(3, pauses.Length);
        Assert.True(pauses[0] >= 60 && pauses[1] >= 180 && pauses[2] >= 540, string.Join(", ", pauses)); // never sooner; a busy machine may be later
    }

    [Fact]
    public async Task RetryTimeout_ThatHasRunOut_EndsTheAttempts()
    {
        int runs = 0;
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, string>("Break", async (_, _) =>
            {
                Interlocked.Increment(ref runs);
                await Task.Delay(300, CancellationToken.None);
                return Fail<string>(new InvalidOperationException("broke"));
            })
            .AddOrchestratorFunc<string>("Main", async context => await context.CallActivityAsync<string>("Break", "x", Retry(1000, 10, 1, TimeSpan.FromMilliseconds(100)))));

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.Equal((OrchestrationRuntimeStatus.Failed, 1), (done.RuntimeStatus, runs));
    }

    [Fact]
    public async Task Child_ThatFailsTwice_IsRunThreeTimes()
    {
        int runs = 0;
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<string, int>("Count", (_, _) => Interlocked.Increment(ref runs))
            .AddOrchestratorFunc<int>("Child", async context =>
            {
                int run = await context.CallActivityAsync<int>("Count", "");
                return run < 3 ? throw new InvalidOperationException("not yet") : run;
            })
            .AddOrchestratorFunc<int>("Main", async context => await context.CallSubOrchestratorAsync<int>("Child", null, Retry(5))));

        Assert.Equal(("3", 3), ((await host.RunAsync("Main")).SerializedOutput, runs));
    }

    [Fact]
    public async Task Retries_SideBySide_DoNotDisturbEachOther()
    {
        var runs = new System.Collections.Concurrent.ConcurrentDictionary<int, int>();
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks
            .AddActivityFunc<int, int>("Flaky", (_, n) => runs.AddOrUpdate(n, 1, (_, r) => r + 1) <= n ? throw new InvalidOperationException("not yet") : n)
            .AddOrchestratorFunc<int[]>("Main", context => Task.WhenAll(Enumerable.Range(0, 5).Select(n => context.CallActivityAsync<int>("Flaky", n, Retry(9))))));

        Assert.Equal("[0,1,2,3,4]", (await host.RunAsync("Main")).SerializedOutput);
        Assert.Equal([1, 2, 3, 4, 5], runs.OrderBy(r => r.Key).Select(r => r.Value));
    }
}
