using System.Diagnostics;
using System.Net;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Pipeline.Contracts;
using Pipeline.LocalHost.Commands;
using Pipeline.LocalHost.Durable;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Triggers;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// Several hosts on one account, many runs at once, and what goes on when a host or the storage emulator is killed.
/// </summary>
public sealed class SharedAccountTests(StorageFixture storage, ITestOutputHelper output) : IClassFixture<StorageFixture>
{
    private static readonly TimeSpan TakeOver = TimeSpan.FromSeconds(40);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PipelineStorage Account => storage.Account;

    /// <summary>
    /// A host holds a run that waits for its worker; it is killed, and another host gets the worker's result and ends
    /// the run.
    /// </summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Run_WhoseHostIsKilled_IsFinishedByAnotherHost()
    {
        var own = new StorageFixture();
        await own.InitializeAsync();
        string data = Directory.CreateTempSubdirectory("pipeline-left-").FullName;
        try
        {
            using Process first = Process.Start(
                DotnetProgram.Start(
                    "Pipeline.CrashingHost.dll",
                    [data],
                    new Dictionary<string, string> { [StorageAccount.ConnectionSetting] = own.ConnectionString }
                )
            )!;
            await own.Account.PutProjectAsync("left", HostFixture.QuickYaml);
            await own.Account.DropAsync("left", "a.csv", HostFixture.Rows(40));
            RunRecord run = await UntilAsync(
                own.Account,
                "left",
                r => r.Stage == RunStage.Train,
                TimeSpan.FromMinutes(1)
            );
            await using HostBench second = await HostBench.StartAsync(own, start: "01:00:00", heartbeat: "01:00:00");

            first.Kill();
            await first.WaitForExitAsync(Cancellation);
            long killed = Stopwatch.GetTimestamp();
            await FailTrainingAsync(own.Account, run.RunId, "reported to the other host");
            run = await UntilAsync(own.Account, "left", r => r.State != RunState.Running, TakeOver);

            output.WriteLine(
                $"finished by the other host {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s after the kill"
            );
            Assert.Equal((RunState.Failed, "reported to the other host"), (run.State, run.Error));
        }
        finally
        {
            await own.DisposeAsync();
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>
    /// The emulator is killed, starts again on its ports, and the run goes on. Writes of its last seconds may be
    /// lost: the run waits longer than that before.
    /// </summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Run_WhoseEmulatorIsKilled_IsFinished()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-emulator-").FullName;
        try
        {
            var options = new HostOptions
            {
                DataDirectory = data,
                StartWorker = false,
                LogToConsole = false,
            };
            await using EmbeddedHost host = await EmbeddedHost.StartAsync(options, _ => { }, Cancellation);
            await host.Storage.PutProjectAsync("emulator", HostFixture.QuickYaml);
            await host.Storage.DropAsync("emulator", "a.csv", HostFixture.Rows(40));
            RunRecord run = await UntilAsync(
                host.Storage,
                "emulator",
                r => r.Stage == RunStage.Train,
                TimeSpan.FromMinutes(1)
            );
            await Task.Delay(TimeSpan.FromSeconds(12), Cancellation); // it writes its tables every five seconds
            int id = await KillEmulatorAsync(host);
            long killed = Stopwatch.GetTimestamp();
            while (host.EmulatorProcessId == id)
            {
                await Task.Delay(50, Cancellation);
            }

            await FailTrainingAsync(host.Storage, run.RunId, "reported to the new emulator");
            run = await UntilAsync(host.Storage, "emulator", r => r.State != RunState.Running, TakeOver);

            output.WriteLine($"finished {Stopwatch.GetElapsedTime(killed).TotalSeconds:0.0} s after the kill");
            Assert.Equal((RunState.Failed, "reported to the new emulator"), (run.State, run.Error));
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Runs_TwentyAtOnceOnTwoHosts_AllEnd()
    {
        const int Runs = 20;
        var own = new StorageFixture();
        await own.InitializeAsync();
        try
        {
            await using HostBench first = await HostBench.StartAsync(own, start: "01:00:00", heartbeat: "01:00:00");
            await using HostBench second = await HostBench.StartAsync(own, start: "01:00:00", heartbeat: "01:00:00");
            for (int i = 0; i < Runs; i++)
            {
                await own.Account.PutProjectAsync($"many-{i}", HostFixture.QuickYaml);
                await own.Account.DropAsync($"many-{i}", "a.csv", HostFixture.Rows(40, $"{i}x"));
            }

            long started = Stopwatch.GetTimestamp();
            IReadOnlyList<RunRecord> runs = [];
            while (runs.Count < Runs || runs.Any(r => r.State == RunState.Running))
            {
                Assert.True(
                    Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(3),
                    string.Join("; ", runs.Select(r => $"{r.RunId} {r.State} {r.Stage}"))
                );
                await FailEveryWaitingJobAsync(own.Account);
                await Task.Delay(200, Cancellation);
                runs = await own.Account.Runs.ListAsync(null, Cancellation);
            }

            output.WriteLine($"{Runs} runs ended in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
            Assert.All(runs, r => Assert.Equal((RunState.Failed, "no worker"), (r.State, r.Error)));
            Assert.Equal(Runs, runs.Select(r => r.Project).Distinct().Count());
        }
        finally
        {
            await own.DisposeAsync();
        }
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Activities_FiveHundredAtOnce_AllEnd()
    {
        await using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        using var hub = new EmbeddedTaskHub(
            new TaskHubOptions(
                new StorageAccount(storage.ConnectionString, null),
                "test",
                VisibilityTimeout: TimeSpan.FromSeconds(20),
                HostFile.Read() with
                {
                    HubName = "FiveHundred",
                }
            ),
            _ => new BenchTasks(),
            services,
            NullLoggerFactory.Instance
        );
        await hub.StartAsync(Cancellation);
        var client = new EmbeddedDurableClient(hub, TimeProvider.System);
        string id = await client.ScheduleNewOrchestrationInstanceAsync(BenchTasks.SideBySide, 500, null, Cancellation);

        OrchestrationMetadata end = await client.WaitForInstanceCompletionAsync(
            id,
            getInputsAndOutputs: true,
            Cancellation
        );

        Assert.Equal((OrchestrationRuntimeStatus.Completed, "500"), (end.RuntimeStatus, end.SerializedOutput));
        await hub.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Triggers_OfTwoHosts_ShareWhatWasToldAndFireOnce()
    {
        (TriggerTable one, TriggerTable other) = (new TriggerTable(Account), new TriggerTable(Account));
        await one.EnsureCreatedAsync(Cancellation);
        var three = new DateTimeOffset(2026, 11, 28, 3, 0, 0, TimeSpan.Zero);

        bool[] taken = await Task.WhenAll(
            new[] { one, other }.SelectMany(t =>
                Enumerable.Range(0, 4).Select(_ => t.TryTakeAsync("Nightly", three, Cancellation))
            )
        );
        Assert.Single(taken, t => t);
        Assert.False(await other.TryTakeAsync("Nightly", three.AddDays(-1), Cancellation)); // a clock that runs behind
        Assert.True(await other.TryTakeAsync("Nightly", three.AddDays(1), Cancellation));

        Assert.False(await other.WasToldAsync("Drop", "raw/p/a.csv", "etag-1", Cancellation));
        await one.NoteAsync("Drop", "raw/p/a.csv", "etag-1", Cancellation);
        Assert.True(await other.WasToldAsync("Drop", "raw/p/a.csv", "etag-1", Cancellation));
        Assert.False(await other.WasToldAsync("Drop", "raw/p/a.csv", "etag-2", Cancellation)); // it has changed
        Assert.False(await other.WasToldAsync("Other", "raw/p/a.csv", "etag-1", Cancellation));
    }

    /// <summary>Reachable from other machines, the functions ask for the key, as they do in Azure.</summary>
    [Fact]
    public async Task Http_WithAKey_AnswersOnlyWithIt()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-key-").FullName;
        string key = FunctionKey.ReadOrCreate(data);
        Assert.Equal(key, FunctionKey.ReadOrCreate(data));
        var options = new HostOptions
        {
            DataDirectory = data,
            StartWorker = false,
            LogToConsole = false,
            Key = key,
            Settings = new Dictionary<string, string?>
            {
                [StorageAccount.ConnectionSetting] = storage.ConnectionString,
            },
        };
        try
        {
            await using EmbeddedHost host = await EmbeddedHost.StartAsync(options, _ => { }, Cancellation);
            using var http = new HttpClient { BaseAddress = host.Address };

            HttpStatusCode without = (await http.GetAsync("api/runs", Cancellation)).StatusCode;
            HttpStatusCode wrong = (await http.GetAsync($"api/runs?code={key}x", Cancellation)).StatusCode;
            HttpStatusCode byQuery = (await http.GetAsync($"api/runs?code={key}", Cancellation)).StatusCode;
            FunctionKey.AddTo(http, key);
            HttpStatusCode byHeader = (await http.GetAsync("api/dashboard", Cancellation)).StatusCode;

            Assert.Equal(
                [HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized, HttpStatusCode.OK, HttpStatusCode.OK],
                new[] { without, wrong, byQuery, byHeader }
            );
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>The result of a worker that failed at a run's job.</summary>
    private static async Task FailTrainingAsync(PipelineStorage account, string runId, string error)
    {
        TrainingJob job = (await account.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(runId), Cancellation))!;
        await account.Messages.SendAsync(
            BlobLayout.TrainingResultsQueue,
            new TrainingResult(runId, job.Attempt, false, false, error),
            Cancellation
        );
    }

    /// <summary>A worker that fails at once at each job it gets.</summary>
    private static async Task FailEveryWaitingJobAsync(PipelineStorage account)
    {
        while (
            await account.Messages.ReceiveAsync(BlobLayout.TrainingJobsQueue, TimeSpan.FromMinutes(1), Cancellation)
                is { } message
        )
        {
            TrainingRequest job = ContractJson.Read<TrainingRequest>(message.Body.ToString());
            await account.Messages.SendAsync(
                BlobLayout.TrainingResultsQueue,
                new TrainingResult(job.RunId, job.Attempt, false, false, "no worker"),
                Cancellation
            );
            await account.Messages.DeleteAsync(
                BlobLayout.TrainingJobsQueue,
                message.MessageId,
                message.PopReceipt,
                Cancellation
            );
        }
    }

    /// <summary>Kills the host's storage emulator.</summary>
    /// <returns>The process that it was.</returns>
    private static async Task<int> KillEmulatorAsync(EmbeddedHost host)
    {
        int id = host.EmulatorProcessId!.Value;
        using Process emulator = Process.GetProcessById(id);
        emulator.Kill();
        await emulator.WaitForExitAsync(Cancellation);
        return id;
    }

    private static async Task<RunRecord> UntilAsync(
        PipelineStorage account,
        string project,
        Func<RunRecord, bool> until,
        TimeSpan limit
    )
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            IReadOnlyList<RunRecord> runs = await account.Runs.ListAsync(project, Cancellation);
            if (runs.FirstOrDefault(until) is { } run)
            {
                return run;
            }

            Assert.True(
                Stopwatch.GetElapsedTime(started) < limit,
                string.Join(
                    "; ",
                    runs.Select(r => $"{r.RunId} {r.State} {r.Stage} {r.Error}").Prepend("waited in vain")
                )
            );
            await Task.Delay(100, Cancellation);
        }
    }
}
