using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Pipeline.Contracts;
using Pipeline.LocalHost.Durable;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Processes;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>bench</c>: what the durable engine does on this machine over the storage emulator: a chain of activities, many
/// side by side, many that wait.
/// </summary>
internal static class BenchCommand
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);

    public static Command Create()
    {
        var activities = new Option<int>("--activities")
        {
            Description = "Activities in a chain, and as many side by side",
            DefaultValueFactory = _ => 500,
        };
        var waiting = new Option<int>("--waiting")
        {
            Description = "Orchestrations that wait for an event at once",
            DefaultValueFactory = _ => 200,
        };
        Option<string?> json = CommandOptions.Json();
        var command = new Command("bench", "Measure the durable engine over the storage emulator")
        {
            activities,
            waiting,
            json,
            BenchDatasetsCommand.Create(),
        };
        command.SetAction(
            (parsed, cancellation) =>
                RunAsync(parsed.GetValue(activities), parsed.GetValue(waiting), parsed.GetValue(json), cancellation)
        );
        return command;
    }

    private static async Task<int> RunAsync(int activities, int waiting, string? json, CancellationToken cancellation)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-bench-");
        try
        {
            await using Azurite azurite = await Azurite.StartAsync(folder.FullName, Console.WriteLine, cancellation);
            await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
            using var hub = new EmbeddedTaskHub(
                new TaskHubOptions(
                    new StorageAccount(azurite.ConnectionString, null),
                    "bench",
                    VisibilityTimeout: TimeSpan.FromMinutes(1),
                    HostFile.Read()
                ),
                _ => new BenchTasks(),
                services,
                NullLoggerFactory.Instance
            );
            await hub.StartAsync(cancellation);
            EngineFigures figures = await MeasureAsync(
                new EmbeddedDurableClient(hub, TimeProvider.System),
                activities,
                waiting,
                cancellation
            );
            await hub.StopAsync(cancellation);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"start to end of three activities: {1000 * figures.ShortSeconds:0} ms (best of 5)"
                )
            );
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{activities} activities in a chain: {activities / figures.ChainSeconds:0.0} a second; side by "
                        + $"side: {activities / figures.SideBySideSeconds:0.0} a second"
                )
            );
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"event to end: {1000 * figures.EventSeconds:0} ms (median of {waiting} that wait); all "
                        + $"{waiting} woken and ended in {figures.WakeSeconds:0.0} s; "
                        + $"{figures.WorkingSetBytes / 1048576.0:0} MiB working set of this process"
                )
            );
            if (json is not null)
            {
                await File.WriteAllBytesAsync(json, ContractJson.WriteUtf8(figures, indented: true), cancellation);
            }

            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<EngineFigures> MeasureAsync(
        EmbeddedDurableClient client,
        int activities,
        int waiting,
        CancellationToken cancellation
    )
    {
        double shortest = double.MaxValue;
        for (int i = 0; i < 6; i++) // the first one warms up
        {
            double took = await RunOneAsync(client, BenchTasks.Chain, 3, cancellation);
            shortest = i == 0 ? shortest : Math.Min(shortest, took);
        }

        double chain = await RunOneAsync(client, BenchTasks.Chain, activities, cancellation);
        double sideBySide = await RunOneAsync(client, BenchTasks.SideBySide, activities, cancellation);
        string[] ids =
        [
            .. await Task.WhenAll(
                Enumerable
                    .Range(0, waiting)
                    .Select(_ => client.ScheduleNewOrchestrationInstanceAsync(BenchTasks.Wait, 0, null, cancellation))
            ),
        ];
        await Task.WhenAll(ids.Select(id => UntilAsync(client, id, OrchestrationRuntimeStatus.Running, cancellation)));
        long started = Stopwatch.GetTimestamp();
        double[] woken = await Task.WhenAll(
            ids.Select(async id =>
            {
                long sent = Stopwatch.GetTimestamp();
                await client.RaiseEventAsync(id, BenchTasks.Go, 1, cancellation);
                await UntilAsync(client, id, OrchestrationRuntimeStatus.Completed, cancellation);
                return Stopwatch.GetElapsedTime(sent).TotalSeconds;
            })
        );
        double wake = Stopwatch.GetElapsedTime(started).TotalSeconds;
        using var process = Process.GetCurrentProcess();
        return new EngineFigures(
            shortest,
            activities,
            chain,
            sideBySide,
            waiting,
            woken.Order().ElementAt(woken.Length / 2),
            wake,
            process.WorkingSet64
        );
    }

    private static async Task<double> RunOneAsync(
        EmbeddedDurableClient client,
        string name,
        int input,
        CancellationToken cancellation
    )
    {
        long started = Stopwatch.GetTimestamp();
        string id = await client.ScheduleNewOrchestrationInstanceAsync(name, input, null, cancellation);
        await UntilAsync(client, id, OrchestrationRuntimeStatus.Completed, cancellation);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static async Task UntilAsync(
        EmbeddedDurableClient client,
        string id,
        OrchestrationRuntimeStatus status,
        CancellationToken cancellation
    )
    {
        while ((await client.GetInstanceAsync(id, false, cancellation))?.RuntimeStatus != status)
        {
            await Task.Delay(PollInterval, cancellation);
        }
    }
}

/// <summary>What the engine does.</summary>
/// <param name="ShortSeconds">Start to end of three activities, best of five.</param>
/// <param name="Activities">Activities of chain and side by side.</param>
/// <param name="ChainSeconds">One after the other.</param>
/// <param name="SideBySideSeconds">All at once.</param>
/// <param name="Waiting">Orchestrations that waited at once.</param>
/// <param name="EventSeconds">From an event to the end of the one that waited for it, median.</param>
/// <param name="WakeSeconds">From the first event to the last end.</param>
/// <param name="WorkingSetBytes">Of the process at the end.</param>
internal sealed record EngineFigures(
    double ShortSeconds,
    int Activities,
    double ChainSeconds,
    double SideBySideSeconds,
    int Waiting,
    double EventSeconds,
    double WakeSeconds,
    long WorkingSetBytes
);
