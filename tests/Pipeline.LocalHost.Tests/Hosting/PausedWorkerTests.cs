using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// A real worker is stopped for longer than its lease and comes back when its successor has finished.
/// </summary>
[Trait("Tier", "Slow")]
[Collection("one at a time")]
public sealed class PausedWorkerTests(StorageFixture storage) : IClassFixture<StorageFixture>
{
    private const string Project = "paused";
    private static readonly Dictionary<string, string> Settings = new() { ["WorkerMessageHidden"] = "00:00:20" };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Worker_PausedForLongerThanItsLease_WritesNothingBesideItsSuccessor()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-paused-").FullName;
        try
        {
            await using EmbeddedHost host = await EmbeddedHost.StartAsync(OptionsOn(data), _ => { }, Cancellation);
            await using ServeWorker paused = ServeWorker.Start(storage.ConnectionString, Settings);
            await storage.Account.PutProjectAsync(
                Project,
                "training: { r: 4, epochs: 4, batchSize: 4, checkpointSteps: 10, warmupSteps: 5 }\n"
                    + HostFixture.QuickEvaluation
            );
            await storage.Account.DropAsync(Project, "a.csv", HostFixture.Rows(200));
            RunRecord run = await UntilAsync(r => r.Stage == RunStage.Train);
            await UntilCheckpointAsync(run);

            await SignalAsync(paused.Id, "-STOP");
            await using (ServeWorker successor = ServeWorker.Start(storage.ConnectionString, Settings))
            {
                run = await UntilAsync(r => r.State != RunState.Running);
            }

            Assert.Equal((RunState.Completed, null), (run.State, run.Error));
            List<string> before = await TagsAsync(run);
            await SignalAsync(paused.Id, "-CONT");
            // it finds its lease gone at its next look, or at its next write
            await Task.Delay(TimeSpan.FromSeconds(15), Cancellation);

            Assert.Equal(before, await TagsAsync(run));
            Assert.Equal([1], (await storage.Account.Registry.GetAsync(Project, Cancellation)).Published);
            IReadOnlyList<int> steps = await storage.Account.ReadStepsAsync(run.RunId);
            Assert.Equal(1, steps.Count(s => s == 1)); // the successor resumed from the checkpoint
            Assert.True(paused.IsRunning); // and the one that was paused waits for its next job
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private HostOptions OptionsOn(string data) =>
        new()
        {
            DataDirectory = data,
            StartWorker = false,
            LogToConsole = false,
            Settings = new Dictionary<string, string?>
            {
                [StorageAccount.ConnectionSetting] = storage.ConnectionString,
            },
        };

    private async Task UntilCheckpointAsync(RunRecord run)
    {
        BlobAddress checkpoint = BlobLayout.Checkpoint(run.RunId, "checkpoint.safetensors");
        while (await storage.Account.Files.TagAsync(checkpoint, Cancellation) is null)
        {
            await Task.Delay(50, Cancellation);
        }
    }

    private async Task<RunRecord> UntilAsync(Func<RunRecord, bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await storage.Account.Runs.ListAsync(Project, Cancellation) is [var run, ..] && condition(run))
            {
                return run;
            }

            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(4));
            await Task.Delay(100, Cancellation);
        }
    }

    /// <summary>Every blob of the job and its adapter as it stands.</summary>
    private async Task<List<string>> TagsAsync(RunRecord run)
    {
        var tags = new List<string>();
        foreach (
            (string container, string prefix) in new[]
            {
                (BlobLayout.AdaptersContainer, run.Adapter!),
                (BlobLayout.JobsContainer, BlobLayout.JobPrefix(run.RunId)),
            }
        )
        {
            foreach ((string name, _) in await storage.Account.Files.ListAsync(container, prefix, Cancellation))
            {
                tags.Add(
                    $"{name} {await storage.Account.Files.TagAsync(new BlobAddress(container, name), Cancellation)}"
                );
            }
        }

        return tags;
    }

    private static async Task SignalAsync(int processId, string signal)
    {
        using Process kill = Process.Start("kill", [signal, $"{processId}"]);
        await kill.WaitForExitAsync(Cancellation);
    }
}
