using System.Diagnostics;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// Real kills at random moments of a 200-row project, one run each: every run comes to the same dataset and the same
/// adapter, once.
/// </summary>
[Trait("Tier", "Slow")]
[Collection("one at a time")]
public sealed class KillTests(ITestOutputHelper output)
{
    private const string Project = "killed";
    private const int CheckpointSteps = 10;
    private const int SideBySide = 3; // a run waits more than it computes

    // 160 training rows in batches of 4 over 2 epochs: 80 steps.
    private static readonly string Yaml =
        $"training: {{ r: 4, epochs: 2, batchSize: 4, checkpointSteps: {CheckpointSteps}, warmupSteps: 5 }}\n"
        + HostFixture.QuickEvaluation;

    private static readonly Dictionary<string, string> Settings = new()
    {
        ["WorkerMessageHidden"] = "00:00:20",
        ["OMP_NUM_THREADS"] = "1",
    }; // two trainers of two threads each would stand in each other's way

    /// <summary>
    /// More kills than CI has time for: <c>PIPELINE_TEST_HOST_KILLS=100 PIPELINE_TEST_WORKER_KILLS=50 dotnet test …
    /// --settings tests/slow.runsettings --filter Kill_</c>.
    /// </summary>
    [Theory]
    [InlineData("host", 6)]
    [InlineData("worker", 4)]
    public async Task Kill_AtRandomMoment_YieldsSameAdapter(string what, int kills)
    {
        kills = int.TryParse(
            Environment.GetEnvironmentVariable($"PIPELINE_TEST_{what.ToUpperInvariant()}_KILLS"),
            System.Globalization.CultureInfo.InvariantCulture,
            out int configured
        )
            ? configured
            : kills;
        long started = Stopwatch.GetTimestamp();
        Ended calm = await RunAsync(null, TimeSpan.Zero);
        TimeSpan whole = Stopwatch.GetElapsedTime(started);
        output.WriteLine($"without a kill: {whole.TotalSeconds:0.0} s, {calm.Steps.Count} steps");
        Assert.Equal(calm.Steps.Distinct().Count(), calm.Steps.Count);

        using var turn = new SemaphoreSlim(SideBySide);
        var random = new Random(20261123);
        Task<Ended>[] runs =
        [
            .. Enumerable
                .Range(0, kills)
                .Select(_ => random.NextDouble())
                .Select(async moment =>
                {
                    await turn.WaitAsync();
                    try
                    {
                        return await RunAsync(what, whole * SideBySide * moment);
                    }
                    finally
                    {
                        turn.Release();
                    }
                }),
        ];
        await Task.WhenAll(runs);

        int resumed = 0;
        foreach (Ended run in runs.Select(r => r.Result))
        {
            Assert.Equal((run.Killed, RunState.Completed, null, "1"), (run.Killed, run.State, run.Error, run.Versions));
            Assert.Equal(calm.Dataset, run.Dataset);
            Assert.Equal(calm.Weights, run.Weights); // resumed training is the same training
            Assert.InRange(run.RepeatedSteps, 0, CheckpointSteps);
            resumed += run.RepeatedSteps > 0 || run.Killed is "train" ? 1 : 0;
        }

        output.WriteLine(
            $"{kills} kills of the {what} in {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s: "
                + Summarize([.. runs.Select(r => r.Result)])
        );
        Assert.True(resumed > 0, "no kill came while a run trained");
    }

    private static async Task<Ended> RunAsync(string? kill, TimeSpan after)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        string data = Directory.CreateTempSubdirectory("pipeline-kill-").FullName;
        ServeProcess host = await ServeProcess.StartAsync(data, Settings, cancellation);
        try
        {
            await host.Storage.PutProjectAsync(Project, Yaml);
            await host.Storage.DropAsync(Project, "a.csv", HostFixture.Rows(200));
            string killed = "";
            if (kill is not null)
            {
                await Task.Delay(after, cancellation);
                killed = await StageAsync(host, cancellation);
                if (kill == "worker")
                {
                    host.KillWorker();
                }
                else
                {
                    host.KillHost();
                    host = await ServeProcess.StartAsync(data, Settings, cancellation);
                }
            }

            return await EndAsync(host, killed, cancellation);
        }
        finally
        {
            await host.DisposeAsync();
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>Where the run stands.</summary>
    private static async Task<string> StageAsync(ServeProcess host, CancellationToken cancellation)
    {
        if (await host.Storage.Runs.ListAsync(Project, cancellation) is not [var run, ..])
        {
            return "before";
        }

        return run.Stage != RunStage.Train ? run.Stage.Name()
            : await host.Storage.ReadProgressAsync(run.RunId) is [.., var last] ? last.Stage.Name()
            : "queue";
    }

    private static string Summarize(IReadOnlyList<Ended> runs)
    {
        IEnumerable<string> stages = runs.GroupBy(r => r.Killed)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"{g.Key} {g.Count()}");
        return $"by stage {string.Join(", ", stages)}; {runs.Sum(r => r.RepeatedSteps)} steps repeated";
    }

    private static async Task<Ended> EndAsync(ServeProcess host, string killed, CancellationToken cancellation)
    {
        RunRecord run = await UntilEndedAsync(host, killed, cancellation);
        if (run.State != RunState.Completed)
        {
            return new Ended(run.State, run.Error, "", "", "", [], killed);
        }

        RegistryPointer registry = await host.Storage.Registry.GetAsync(Project, cancellation);
        string dataset = run.DatasetId is null ? "" : await HashDatasetsAsync(host, cancellation);
        await AssertOneVersionAsync(host, run, killed, cancellation);
        byte[]? weights = await host.Storage.Files.ReadAsync(
            BlobLayout.Adapter(Project, 1, BlobLayout.AdapterWeightsFile),
            cancellation
        );
        return new Ended(
            run.State,
            run.Error,
            string.Join(',', registry.Published),
            dataset,
            ContentHash.Sha256(weights!),
            await host.Storage.ReadStepsAsync(run.RunId),
            killed
        );
    }

    private static async Task<RunRecord> UntilEndedAsync(
        ServeProcess host,
        string killed,
        CancellationToken cancellation
    )
    {
        long started = Stopwatch.GetTimestamp();
        RunRecord? run = null;
        while (run is null or { State: RunState.Running })
        {
            Assert.True(
                Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(4),
                $"killed in '{killed}', the run is {run?.State} {run?.Stage}"
            );
            await Task.Delay(200, cancellation);
            run = Assert.Single((await host.Storage.Runs.ListAsync(Project, cancellation)).DefaultIfEmpty());
        }

        return run;
    }

    /// <summary>The name and the hash of every file of every dataset, a line each.</summary>
    private static async Task<string> HashDatasetsAsync(ServeProcess host, CancellationToken cancellation)
    {
        var lines = new StringBuilder();
        foreach ((string name, _) in await host.Storage.Files.ListAsync(BlobLayout.DatasetsContainer, "", cancellation))
        {
            byte[]? content = await host.Storage.Files.ReadAsync(
                new BlobAddress(BlobLayout.DatasetsContainer, name),
                cancellation
            );
            lines.Append(name).Append(' ').AppendLine(ContentHash.Sha256(content!));
        }

        return lines.ToString();
    }

    private static async Task AssertOneVersionAsync(
        ServeProcess host,
        RunRecord run,
        string killed,
        CancellationToken cancellation
    )
    {
        IEnumerable<string> versions = (
            await host.Storage.Files.ListAsync(BlobLayout.AdaptersContainer, "", cancellation)
        )
            .Select(f => f.Name.Split('/')[1])
            .Distinct();
        Assert.True(
            versions.SequenceEqual(["v1"]),
            $"killed in '{killed}', {run.RunId} is {run.State}, {run.Adapter}; there are {string.Join(", ", versions)}"
        );
    }

    /// <summary>What a run has left.</summary>
    private sealed record Ended(
        RunState State,
        string? Error,
        string Versions,
        string Dataset,
        string Weights,
        IReadOnlyList<int> Steps,
        string Killed
    )
    {
        public int RepeatedSteps => Steps.Count - Steps.Distinct().Count();
    }
}
