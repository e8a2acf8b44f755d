using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Pipeline.Contracts;
using Pipeline.LocalHost.Durable;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>bench</c>: what the engine's promises cost on this machine: a long history's replay, a commit, many that wait.</summary>
internal static class BenchCommand
{
    private const string Long = "Long";
    private const string Wait = "Wait";
    private const string Step = "Step";
    private const string Go = "Go";

    public static Command Create()
    {
        var activities = new Option<int>("--activities") { Description = "Activities of the long history; each is three events", DefaultValueFactory = _ => 3400 };
        var waiting = new Option<int>("--waiting") { Description = "Orchestrations that wait at once", DefaultValueFactory = _ => 1000 };
        Option<string?> json = CommandOptions.Json();
        var command = new Command("bench", "Measure the embedded engine") { activities, waiting, json, BenchDatasetsCommand.Create() };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(activities), parsed.GetValue(waiting), parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(int activities, int waiting, string? json, CancellationToken cancellation)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("pipeline-bench-");
        try
        {
            using var store = new HistoryStore(Path.Combine(folder.FullName, "orchestrations.db"));
            var functions = new BenchFunctions(activities);
            await using var engine = new OrchestrationEngine(store, functions, TimeProvider.System, NullLogger<OrchestrationEngine>.Instance);
            var client = new EmbeddedDurableTaskClient(store, engine, TimeProvider.System);
            engine.Start();
            EngineFigures figures = await MeasureAsync(store, functions, client, waiting, cancellation);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"replay of {figures.Events} events: {1000 * figures.ReplaySeconds:0.0} ms (best of 5, read from the database included)"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"an activity from call to result, its commits on disk: {1000 * figures.SecondsPerActivity:0.00} ms (the first {figures.ShortActivities} of a history)"));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{figures.Waiting} orchestrations wait at once: {figures.WorkingSetBytes / 1048576.0:0} MiB working set of the whole process, {figures.AddedBytes / 1024.0 / figures.Waiting:0.0} KiB managed memory each; all woken and ended in {figures.WakeSeconds:0.0} s"));
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

    private static async Task<EngineFigures> MeasureAsync(HistoryStore store, BenchFunctions functions, DurableTaskClient client, int waiting, CancellationToken cancellation)
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        string[] ids = [.. await Task.WhenAll(Enumerable.Range(0, waiting).Select(_ => client.ScheduleNewOrchestrationInstanceAsync(Wait, null, null, cancellation)))];
        await UntilAsync(client, ids, OrchestrationRuntimeStatus.Running, cancellation);
        long added = Math.Max(0, GC.GetTotalMemory(forceFullCollection: true) - before);
        using var process = Process.GetCurrentProcess();
        long workingSet = process.WorkingSet64;
        long started = Stopwatch.GetTimestamp();
        foreach (string id in ids)
        {
            await client.RaiseEventAsync(id, Go, "x", cancellation);
        }

        await UntilAsync(client, ids, OrchestrationRuntimeStatus.Completed, cancellation);
        double wake = Stopwatch.GetElapsedTime(started).TotalSeconds;

        const int Short = 100;
        started = Stopwatch.GetTimestamp();
        string quick = await client.ScheduleNewOrchestrationInstanceAsync(Long, Short, null, cancellation);
        await UntilStatusAsync(client, quick, $"{Short}", cancellation);
        double perActivity = Stopwatch.GetElapsedTime(started).TotalSeconds / Short;

        string @long = await client.ScheduleNewOrchestrationInstanceAsync(Long, functions.Activities, null, cancellation);
        await UntilStatusAsync(client, @long, $"{functions.Activities}", cancellation);
        double replay = double.MaxValue;
        int events = 0;
        for (int i = 0; i < 5; i++)
        {
            started = Stopwatch.GetTimestamp();
            (InstanceRow? instance, IReadOnlyList<HistoryEvent> past, _) = store.Load(@long, DateTimeOffset.UtcNow);
            TurnResult turn = OrchestrationTurn.Run(Long, @long, past, [new HistoryEvent(HistoryKind.Turn, -1, null, null, DateTime.UtcNow)], functions.Orchestrator(Long)!);
            replay = Math.Min(replay, Stopwatch.GetElapsedTime(started).TotalSeconds);
            events = past.Count;
            if (instance is null || turn.End != TurnEnd.Waiting)
            {
                throw new HostException($"The replay of {events} events came to {turn.End}: {turn.Failure?.ErrorMessage}");
            }
        }

        return new EngineFigures(events, replay, Short, perActivity, waiting, workingSet, added, wake);
    }

    private static async Task UntilAsync(DurableTaskClient client, string[] ids, OrchestrationRuntimeStatus status, CancellationToken cancellation)
    {
        foreach (string id in ids)
        {
            while ((await client.GetInstanceAsync(id, false, cancellation))!.RuntimeStatus != status)
            {
                await Task.Delay(5, cancellation);
            }
        }
    }

    private static async Task UntilStatusAsync(DurableTaskClient client, string id, string status, CancellationToken cancellation)
    {
        while ((await client.GetInstanceAsync(id, false, cancellation))!.SerializedCustomStatus != status)
        {
            await Task.Delay(1, cancellation);
        }
    }

    private sealed class BenchFunctions(int activities) : IDurableFunctions
    {
        public int Activities => activities;

        public Func<TaskOrchestrationContext, Task<string?>>? Orchestrator(string name) => name switch
        {
            Wait => async context => await context.WaitForExternalEvent<string>(Go).ConfigureAwait(true),
            Long => async context =>
            {
                int sum = 0;
                for (int i = 0; i < context.GetInput<int>(); i++)
                {
                    sum += await context.CallActivityAsync<int>(Step, i).ConfigureAwait(true);
                }

                context.SetCustomStatus(sum);
                return await context.WaitForExternalEvent<string>(Go).ConfigureAwait(true);
            }
            ,
            _ => null,
        };

        public Task<string?> RunActivityAsync(string name, string? input, CancellationToken cancellation) => Task.FromResult<string?>("1");
    }
}

/// <summary>What the engine costs.</summary>
/// <param name="Events">Events of the long history.</param>
/// <param name="ReplaySeconds">Its replay, best of five, the read from the database included.</param>
/// <param name="ShortActivities">Activities of the short history.</param>
/// <param name="SecondsPerActivity">Of it: one activity from its call to its result, on disk.</param>
/// <param name="Waiting">Orchestrations that waited at once.</param>
/// <param name="WorkingSetBytes">Of the process meanwhile.</param>
/// <param name="AddedBytes">Managed memory that they had added.</param>
/// <param name="WakeSeconds">From the first event to the last end.</param>
internal sealed record EngineFigures(int Events, double ReplaySeconds, int ShortActivities, double SecondsPerActivity, int Waiting, long WorkingSetBytes, long AddedBytes, double WakeSeconds);
