using System.Diagnostics;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;
using static Pipeline.Conformance.Tests.ConformanceHost;

namespace Pipeline.Conformance.Tests;

public sealed class TimerTests
{
    [Fact]
    public async Task Timer_OfAWhile_FiresNotBeforeItIsDue()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<double>("Main", async context =>
        {
            DateTime before = context.CurrentUtcDateTime;
            await context.CreateTimer(TimeSpan.FromMilliseconds(400), CancellationToken.None);
            return (context.CurrentUtcDateTime - before).TotalMilliseconds;
        }));
        long started = Stopwatch.GetTimestamp();

        OrchestrationMetadata done = await host.RunAsync("Main");

        Assert.InRange(double.Parse(done.SerializedOutput!, System.Globalization.CultureInfo.InvariantCulture), 399, 20_000);
        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 390, 30_000);
    }

    [Fact]
    public async Task Timer_InThePast_FiresAtOnce()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            await context.CreateTimer(context.CurrentUtcDateTime.AddHours(-1), CancellationToken.None);
            return "fired";
        }));

        Assert.Equal("\"fired\"", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Timers_OfSeveralLengths_FireInTheOrderOfTheirTimes()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            Dictionary<Task, string> open = new[] { 600, 200, 400 }.ToDictionary(ms => context.CreateTimer(TimeSpan.FromMilliseconds(ms), CancellationToken.None), ms => $"{ms} ");
            string order = "";
            while (open.Count > 0)
            {
                Task first = await Task.WhenAny(open.Keys);
                order += open[first];
                open.Remove(first);
            }

            return order;
        }));

        Assert.Equal("\"200 400 600 \"", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Timer_ThatIsCancelled_ThrowsAndHoldsNothingUp()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", async context =>
        {
            using var stop = new CancellationTokenSource();
            Task timer = context.CreateTimer(TimeSpan.FromHours(1), stop.Token);
            await context.CreateTimer(TimeSpan.FromMilliseconds(50), CancellationToken.None);
            stop.Cancel();
            try
            {
                await timer;
                return "fired";
            }
            catch (TaskCanceledException)
            {
                await context.CreateTimer(TimeSpan.FromMilliseconds(50), CancellationToken.None); // the orchestration goes on as ever
                return "cancelled";
            }
        }));

        Assert.Equal("\"cancelled\"", (await host.RunAsync("Main")).SerializedOutput);
    }

    [Fact]
    public async Task Timer_ThatNobodyAwaits_DoesNotKeepTheOrchestrationOpen()
    {
        await using DurableTaskTestHost host = await StartAsync(tasks => tasks.AddOrchestratorFunc<string>("Main", context =>
        {
            _ = context.CreateTimer(TimeSpan.FromHours(1), CancellationToken.None);
            return Task.FromResult("done");
        }));

        Assert.Equal("\"done\"", (await host.RunAsync("Main")).SerializedOutput);
    }
}
