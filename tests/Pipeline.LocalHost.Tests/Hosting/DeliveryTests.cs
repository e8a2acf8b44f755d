using System.Diagnostics;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Functions.Models;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Tests.Synthesis;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// What the durable engine promises of activities is "at least once". A run and the retraining after it, with a
/// language model that is paid, come to the same dataset and adapter bytes and pay once when each activity is delivered
/// twice, and when the host dies after each activity's effect.
/// </summary>
[Trait("Tier", "Slow")]
[Collection("one at a time")]
public sealed class DeliveryTests(ITestOutputHelper output)
{
    private const string Project = "delivered";
    private static readonly string Yaml =
        HostFixture.QuickYaml
        + "retraining: { feedbackCount: 0, scheduledMinimum: 3 }\n"
        + "synthesis: { templates: [ { text: 'hello {{name.firstName}}', label: greeting, count: 15 } ], "
        + "model: { deployment: gpt, rows: 10 } }\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_EveryActivityTwice_YieldsTheSameAndPaysOnce()
    {
        Left calm = await RunAsync(async (storage, models) => await HostAsync(storage, models, null));
        Left twice = await RunAsync(
            async (storage, models) =>
                await HostAsync(
                    storage,
                    models,
                    async (_, activity) =>
                    {
                        await activity();
                        return await activity();
                    }
                )
        );

        Assert.Equal(calm, twice);
    }

    [Fact]
    public async Task Run_HostDiesAfterEveryActivity_YieldsTheSameAndPaysOnce()
    {
        Left calm = await RunAsync(async (storage, models) => await HostAsync(storage, models, null));
        string[] died = [];
        int lives = 0;
        Left crashed = await RunAsync(
            (storage, models) =>
                Task.FromResult<IAsyncDisposable>(
                    new Crashing(storage, models, (names, starts) => (died, lives) = (names, starts))
                )
        );

        Assert.Equal(calm, crashed);
        output.WriteLine($"{lives} lives; died after {string.Join(", ", died)}");
        Assert.Equal(
            [
                "AssembleDataset",
                "BuildDatasetPart",
                "NoteUsedFeedback",
                "NotifyEnd",
                "PlanDataset",
                "PrepareRetraining",
                "PublishAdapter",
                "RemoveDatasetParts",
                "SubmitTraining",
                "SynthesizeRows",
            ],
            died.Order(StringComparer.Ordinal)
        );
        Assert.True(lives > died.Length, $"{lives} lives");
    }

    /// <summary>A drop, three corrections, and the retraining that they start.</summary>
    private async Task<Left> RunAsync(Func<StorageFixture, AzureOpenAiServer, Task<IAsyncDisposable>> start)
    {
        var storage = new StorageFixture();
        await storage.InitializeAsync();
        try
        {
            await using AzureOpenAiServer models = await AzureOpenAiServer.StartAsync();
            await using ServeWorker worker = ServeWorker.Start(
                storage.ConnectionString,
                new Dictionary<string, string> { ["OMP_NUM_THREADS"] = "1" }
            );
            PipelineStorage account = storage.Account;
            await account.Files.WriteAsync(BlobLayout.Project(Project), Encoding.UTF8.GetBytes(Yaml), Cancellation);
            await account.Files.WriteAsync(
                BlobLayout.Raw(Project, "a.csv"),
                Encoding.UTF8.GetBytes(HostFixture.Rows(100)),
                Cancellation
            );
            await using IAsyncDisposable host = await start(storage, models);
            RunRecord first = await EndAsync(account, r => r.Trigger == RunTrigger.Drop);
            for (int i = 0; i < 3; i++)
            {
                var verdict = new FeedbackRecord
                {
                    Id = $"f{i}",
                    Project = Project,
                    At = DateTimeOffset.UnixEpoch,
                    Text = $"hello to number {i}",
                    Score = -1,
                    Correction = "greeting",
                };
                await account.Files.AppendAsync(
                    BlobLayout.VerdictLog(Project, new DateOnly(2026, 11, 30)),
                    [.. ContractJson.WriteUtf8(verdict), (byte)'\n'],
                    Cancellation
                );
            }

            RunRecord second = await EndAsync(account, r => r.Trigger != RunTrigger.Drop);
            RegistryPointer registry = await account.Registry.GetAsync(Project, Cancellation);
            while (registry.UsedFeedbackThrough is null)
            {
                await Task.Delay(200, Cancellation); // noted after the run's end
                registry = await account.Registry.GetAsync(Project, Cancellation);
            }

            return new Left(
                await HashesAsync(account, first),
                await HashesAsync(account, second),
                string.Join(',', registry.Published),
                registry.UsedFeedbackThrough,
                models.Requests.Count
            );
        }
        finally
        {
            await storage.DisposeAsync();
        }
    }

    private static async Task<IAsyncDisposable> HostAsync(
        StorageFixture storage,
        AzureOpenAiServer models,
        Func<string, Func<Task<object?>>, Task<object?>>? around
    )
    {
        string data = Directory.CreateTempSubdirectory("pipeline-delivery-").FullName;
        var options = new HostOptions
        {
            DataDirectory = data,
            LogToConsole = false,
            StartWorker = false,
            AroundActivity = around,
            Settings = Settings(storage, models).ToDictionary(s => s.Key, s => (string?)s.Value),
        };
        return new Hosted(await EmbeddedHost.StartAsync(options, _ => { }, Cancellation), data);
    }

    private static Dictionary<string, string> Settings(StorageFixture storage, AzureOpenAiServer models) =>
        new()
        {
            [StorageAccount.ConnectionSetting] = storage.ConnectionString,
            [ModelClients.Endpoint] = models.Address.ToString(),
            [ModelClients.Key] = "secret-key",
            ["RetrainingSchedule"] = "*/2 * * * * *",
        };

    private static async Task<RunRecord> EndAsync(PipelineStorage account, Func<RunRecord, bool> which)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            IReadOnlyList<RunRecord> runs = await account.Runs.ListAsync(Project, Cancellation);
            if (runs.FirstOrDefault(which) is { State: not RunState.Running } run)
            {
                Assert.Equal((RunState.Completed, null), (run.State, run.Error));
                return run;
            }

            Assert.True(
                Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(6),
                string.Join("; ", runs.Select(r => $"{r.RunId} {r.State} {r.Stage}"))
            );
            await Task.Delay(200, Cancellation);
        }
    }

    /// <summary>Every file of a run's dataset and its adapter's weights, by their hashes.</summary>
    private static async Task<string> HashesAsync(PipelineStorage account, RunRecord run)
    {
        var hashes = new StringBuilder();
        foreach (
            (string name, _) in await account.Files.ListAsync(
                BlobLayout.DatasetsContainer,
                BlobLayout.DatasetPrefix(run.DatasetId!),
                Cancellation
            )
        )
        {
            hashes
                .Append(name)
                .Append(' ')
                .AppendLine(
                    await account.Files.HashAsync(new BlobAddress(BlobLayout.DatasetsContainer, name), Cancellation)
                );
        }

        return hashes
            .Append(
                await account.Files.HashAsync(
                    BlobLayout.Adapter(Project, run.Version!.Value, BlobLayout.AdapterWeightsFile),
                    Cancellation
                )
            )
            .ToString();
    }

    private sealed record Left(string First, string Second, string Published, string UsedFeedback, int ModelCalls);

    private sealed class Hosted(EmbeddedHost host, string data) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await host.DisposeAsync();
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>tests/Pipeline.CrashingHost, started again whenever it has died.</summary>
    private sealed class Crashing : IAsyncDisposable
    {
        private readonly string _data = Directory.CreateTempSubdirectory("pipeline-crashing-").FullName;
        private readonly CancellationTokenSource _stop = new();
        private readonly Action<string[], int> _tell;
        private readonly Task _loop;

        public Crashing(StorageFixture storage, AzureOpenAiServer models, Action<string[], int> tell)
        {
            _tell = tell;
            _loop = Task.Run(() => LoopAsync(Settings(storage, models)));
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _loop;
            Directory.Delete(_data, recursive: true);
        }

        private async Task LoopAsync(Dictionary<string, string> settings)
        {
            string died = Path.Combine(_data, "died");
            int lives = 0;
            while (!_stop.IsCancellationRequested)
            {
                lives++;
                using Process process = Process.Start(
                    DotnetProgram.Start("Pipeline.CrashingHost.dll", [Path.Combine(_data, "host"), died], settings)
                )!;
                await process.WaitForExitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!process.HasExited)
                {
                    process.Kill();
                    await process.WaitForExitAsync();
                }
            }

            _tell(File.Exists(died) ? await File.ReadAllLinesAsync(died) : [], lives);
        }
    }
}
