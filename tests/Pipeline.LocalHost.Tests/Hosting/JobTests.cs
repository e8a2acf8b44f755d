using System.Net.Http.Json;
using System.Text;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Datasets.Configuration;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Projects;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Training;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// A job between its run and its workers: deadlines, words that come late, workers that come to nothing. No worker runs
/// but where a test starts one.
/// </summary>
public sealed class JobTests : IAsyncLifetime
{
    // one for each test: a new host takes every drop that is there
    private readonly StorageFixture _storage = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PipelineStorage Account => _storage.Account;

    public ValueTask InitializeAsync() => _storage.InitializeAsync();

    public ValueTask DisposeAsync() => _storage.DisposeAsync();

    [Fact]
    public async Task NoWorker_ByTheDeadline_FailsTheRunAndTakesTheJobBack()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "00:00:01", heartbeat: "00:00:01");

        RunRecord run = await bench.EndAsync(await bench.DropAsync("no-worker"));

        Assert.Equal(RunState.Failed, run.State);
        Assert.StartsWith(
            "No worker took the job within twice 00:00:01. Is one running?",
            run.Error,
            StringComparison.Ordinal
        );
        Assert.Equal(0, await MessagesAsync()); // no GPU starts for it later
        // nor does a worker that had taken it already go on
        Assert.Equal("cancelled", (await WorkAsync(bench, run.RunId)).Error);
    }

    [Fact]
    public async Task SilentWorker_ByTheDeadline_FailsTheRunAndNamesTheCheckpoint()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "00:00:05", heartbeat: "00:00:01");
        RunRecord run = await bench.UntilAsync(await bench.DropAsync("silent"), r => r.Stage == RunStage.Train);
        await Account.Files.TryAppendAsync(
            BlobLayout.Progress(run.RunId),
            Encoding.UTF8.GetBytes("{\"stage\":\"load\",\"at\":\"2026-01-01T00:00:00Z\"}\n"),
            0,
            Cancellation
        );

        run = await bench.EndAsync(run.RunId);

        Assert.Equal(
            (
                RunState.Failed,
                "The worker has been silent for twice 00:00:01. Start the run again to go on from its checkpoint."
            ),
            (run.State, run.Error)
        );
    }

    [Fact]
    public async Task Result_OfAnEarlierAttempt_IsIgnored()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
        RunRecord run = await bench.UntilAsync(await bench.DropAsync("stale-word"), r => r.Stage == RunStage.Train);
        TrainingJob job = (await Account.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(run.RunId), Cancellation))!;

        await Account.Messages.SendAsync(
            BlobLayout.TrainingResultsQueue,
            new TrainingResult(run.RunId, "an earlier one", false, false, "stale"),
            Cancellation
        );
        await Task.Delay(1500, Cancellation);
        Assert.Equal(RunState.Running, (await Account.Runs.GetAsync(run.RunId, Cancellation))!.State);
        await Account.Messages.SendAsync(
            BlobLayout.TrainingResultsQueue,
            new TrainingResult(run.RunId, job.Attempt, false, false, "this one"),
            Cancellation
        );

        Assert.Equal("this one", (await bench.EndAsync(run.RunId)).Error);
        foreach (string instance in (string[])[TrainingWatch.InstanceOf(run.RunId), run.RunId])
        {
            // An hour's timer that nobody cancelled would keep its instance open for that hour.
            Assert.True(
                (
                    await bench
                        .Host.Durable.WaitForInstanceCompletionAsync(instance, Cancellation)
                        .WaitAsync(TimeSpan.FromSeconds(30), Cancellation)
                ).IsCompleted,
                instance
            );
        }
    }

    [Fact]
    [Trait("Tier", "Slow")] // its publication is tried five times, over half a minute
    public async Task Adapter_HalfWritten_IsNeitherListedNorLeft()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
        RunRecord run = await bench.UntilAsync(await bench.DropAsync("half"), r => r.Stage == RunStage.Train);
        TrainingJob job = (await Account.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(run.RunId), Cancellation))!;
        await Account.Files.WriteAsync(
            BlobLayout.Adapter("half", job.Version, BlobLayout.AdapterWeightsFile),
            "half"u8.ToArray(),
            Cancellation
        );

        await Account.Messages.SendAsync(
            BlobLayout.TrainingResultsQueue,
            new TrainingResult(run.RunId, job.Attempt, true, false, null),
            Cancellation
        );

        run = await bench.EndAsync(run.RunId);
        Assert.Equal(
            (
                RunState.Failed,
                $"The adapter v{job.Version} is not whole: adapter_config.json is missing. Nothing was published."
            ),
            (run.State, run.Error)
        );
        Assert.Empty((await Account.Registry.GetAsync("half", Cancellation)).Published);
        Assert.Empty(await Account.Files.ListAsync(BlobLayout.AdaptersContainer, "half/", Cancellation));
    }

    [Fact]
    public async Task Workers_ThreeInARowWithoutACheckpoint_GiveTheJobUp()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
        RunRecord run = await bench.UntilAsync(await bench.DropAsync("fruitless"), r => r.Stage == RunStage.Train);
        TrainingJob job = (await Account.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(run.RunId), Cancellation))!;
        await Account.Files.WriteJsonAsync(
            BlobLayout.JobLock(run.RunId),
            new JobState
            {
                Attempt = job.Attempt,
                AttemptsWithoutCheckpoint = 3,
                LastFault = "The last fault was OutOfMemoryException: no room.",
            },
            Cancellation
        );

        await bench.StartWorkerAsync();

        Assert.Equal(
            "3 workers in a row ended with this job without reaching a new checkpoint. "
                + "The last fault was OutOfMemoryException: no room.",
            (await bench.EndAsync(run.RunId)).Error
        );
        while (await MessagesAsync() > 0)
        {
            await Task.Delay(50, Cancellation);
        }
    }

    [Fact]
    public async Task Message_SentAgainAfterTheAdapterIsWhole_WritesNothing()
    {
        await using var bench = await HostBench.StartAsync(
            _storage,
            start: "01:00:00",
            heartbeat: "01:00:00",
            worker: true
        );
        RunRecord run = await bench.EndAsync(await bench.DropAsync("said-twice"));
        Assert.Equal((RunState.Completed, null), (run.State, run.Error));
        TrainingJob job = (await Account.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(run.RunId), Cancellation))!;
        BlobAddress weights = BlobLayout.Adapter("said-twice", 1, BlobLayout.AdapterWeightsFile);
        string? tag = await Account.Files.TagAsync(weights, Cancellation);
        byte[] progress = (await Account.Files.ReadAsync(BlobLayout.Progress(run.RunId), Cancellation))!;

        await Account.Messages.SendAsync(
            BlobLayout.TrainingJobsQueue,
            new TrainingRequest(run.RunId, job.Attempt),
            Cancellation
        );
        do
        {
            await Task.Delay(200, Cancellation);
        } while (await MessagesAsync() > 0);

        Assert.Equal(tag, await Account.Files.TagAsync(weights, Cancellation));
        Assert.Equal(progress, await Account.Files.ReadAsync(BlobLayout.Progress(run.RunId), Cancellation));
        Assert.Equal([1], (await Account.Registry.GetAsync("said-twice", Cancellation)).Published);
    }

    [Fact]
    public async Task Content_ThatChangedAfterTheStart_FailsTheRun()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
        await Account.Files.WriteAsync(
            BlobLayout.Raw("changed", "a.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            Cancellation
        );
        const string RunId = "changed-0000000000-000000"; // of other bytes than lie there now

        await bench.Host.Durable.ScheduleNewOrchestrationInstanceAsync(
            AdapterPipeline.Name,
            new PipelineInput(RunId, "changed", "a.csv", null, RunTrigger.Drop),
            new StartOrchestrationOptions(RunId),
            Cancellation
        );

        OrchestrationMetadata end = await bench.Host.Durable.WaitForInstanceCompletionAsync(RunId, true, Cancellation);
        // On this backend a failure is the output, as text, and no details come with it.
        Assert.Equal((OrchestrationRuntimeStatus.Failed, null), (end.RuntimeStatus, end.FailureDetails));
        Assert.Contains(
            "'a.csv', its test set, its guard set, its corrected rows or the withdrawn rows changed after the run was "
                + "started; the change starts a run of its own.",
            end.SerializedOutput,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Settings_ChangedAfterTheStart_AreNotTheRuns()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
        byte[] bytes = Encoding.UTF8.GetBytes(HostFixture.Rows(40));
        ProjectSettings kept = ProjectFile.Read("training: { r: 3 }");
        string runId = RunIdentity.Create(
            "settings-changed",
            new RunContent(ContentHash.Sha256(bytes), null, null, [], []),
            kept
        );
        await Account.Files.WriteAsync(BlobLayout.Raw("settings-changed", "a.csv"), bytes, Cancellation);
        await Account.Files.WriteJsonAsync(BlobLayout.RunSettings(runId), kept, Cancellation);
        await Account.PutProjectAsync("settings-changed", "training: { r: 5 }\n");

        await bench.Host.Durable.ScheduleNewOrchestrationInstanceAsync(
            AdapterPipeline.Name,
            new PipelineInput(runId, "settings-changed", "a.csv", null, RunTrigger.Http),
            new StartOrchestrationOptions(runId),
            Cancellation
        );

        while (!await Account.Files.ExistsAsync(BlobLayout.Job(runId), Cancellation))
        {
            await Task.Delay(50, Cancellation);
        }

        Assert.Equal(
            3,
            (await Account.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(runId), Cancellation))!.Training.R
        );
        await bench.Host.Durable.TerminateInstanceAsync(runId, Cancellation);
    }

    [Fact]
    public async Task Cancel_OfAWaitingJob_RemovesItsMessageAndResumeSendsAnother()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
        RunRecord run = await bench.UntilAsync(await bench.DropAsync("taken-back"), r => r.Stage == RunStage.Train);
        Assert.Equal(1, await MessagesAsync());

        (await bench.Http.PostAsync($"api/runs/{run.RunId}/cancel", null, Cancellation)).EnsureSuccessStatusCode();

        Assert.Equal(0, await MessagesAsync());
        foreach (
            string instance in (string[])
                [run.RunId, DatasetGeneration.InstanceOf(run.RunId), TrainingWatch.InstanceOf(run.RunId)]
        )
        {
            Assert.True(
                (await bench.Host.Durable.WaitForInstanceCompletionAsync(instance, Cancellation)).IsCompleted,
                instance
            ); // a moment later
        }

        (await bench.Http.PostAsync($"api/runs/{run.RunId}/resume", null, Cancellation)).EnsureSuccessStatusCode();
        await bench.UntilAsync(run.RunId, r => r is { State: RunState.Running, Stage: RunStage.Train });
        Assert.Equal(1, await MessagesAsync());
        (await bench.Http.PostAsync($"api/runs/{run.RunId}/cancel", null, Cancellation)).EnsureSuccessStatusCode();
        (await bench.Http.DeleteAsync($"api/runs/{run.RunId}", Cancellation)).EnsureSuccessStatusCode();
        Assert.Empty(
            await Account.Files.ListAsync(BlobLayout.JobsContainer, BlobLayout.JobPrefix(run.RunId), Cancellation)
        );
        Assert.Null(await Account.Runs.GetAsync(run.RunId, Cancellation));
        Assert.False(
            await bench.Host.Durable.GetInstanceAsync(run.RunId, false, Cancellation) is { IsCompleted: false }
        );
    }

    [Fact]
    public async Task Drop_ThatCanStartNothing_IsADeadLetterWithItsReasonAndBlocksNoOther()
    {
        await using var bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
        await Account.Files.WriteAsync(
            new BlobAddress(BlobLayout.RawContainer, "NO/a.csv"),
            "x"u8.ToArray(),
            Cancellation
        );
        await Account.Files.WriteAsync(BlobLayout.Project("broken-yaml"), "training: [\n"u8.ToArray(), Cancellation);
        await Account.Files.WriteAsync(
            BlobLayout.Raw("broken-yaml", "a.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            Cancellation
        );
        await Account.Files.WriteAsync(
            BlobLayout.Project("endless-yaml"),
            "&a\n? *a\n: 1\n? [*a]\n: 2\n"u8.ToArray(),
            Cancellation
        ); // overflowed the stack
        await Account.Files.WriteAsync(
            BlobLayout.Raw("endless-yaml", "a.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            Cancellation
        );
        await bench.UntilAsync(await bench.DropAsync("not-blocked"), r => r.Stage == RunStage.Train);

        List<DeadLetter> letters = [];
        while (letters.Count(a => a.What is "raw/NO/a.csv" or "raw/broken-yaml/a.csv" or "raw/endless-yaml/a.csv") < 3)
        {
            await Task.Delay(100, Cancellation);
            letters = (
                await bench.Http.GetFromJsonAsync<List<DeadLetter>>(
                    "api/deadletters",
                    ContractJson.Compact,
                    Cancellation
                )
            )!;
        }

        Assert.Equal(
            "A project's name has 3 to 40 of a-z, 0-9 and '-'.",
            letters.Single(a => a.What == "raw/NO/a.csv").Reason
        );
        Assert.Contains(
            "line",
            letters.Single(a => a.What == "raw/broken-yaml/a.csv").Reason,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "line 2: a key must be a single value",
            letters.Single(a => a.What == "raw/endless-yaml/a.csv").Reason,
            StringComparison.Ordinal
        );
        Assert.True(
            (await Account.Queues.GetQueueClient(BlobLayout.BlobPoisonQueue).GetPropertiesAsync(Cancellation))
                .Value
                .ApproximateMessagesCount >= 2
        );
    }

    private async Task<int> MessagesAsync() =>
        (await Account.Queues.GetQueueClient(BlobLayout.TrainingJobsQueue).GetPropertiesAsync(Cancellation))
            .Value
            .ApproximateMessagesCount;

    /// <summary>What a worker says that has a run's job in hand.</summary>
    private async Task<TrainingResult> WorkAsync(HostBench bench, string runId)
    {
        TrainingJob job = (await Account.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(runId), Cancellation))!;
        await bench.DisposeAsync(); // its functions would take the word
        await Account.Messages.SendAsync(
            BlobLayout.TrainingJobsQueue,
            new TrainingRequest(runId, job.Attempt),
            Cancellation
        );
        await using ServeWorker worker = ServeWorker.Start(_storage.ConnectionString);
        while (true)
        {
            if (
                await Account.Messages.ReceiveAsync(
                    BlobLayout.TrainingResultsQueue,
                    TimeSpan.FromMinutes(1),
                    Cancellation
                ) is
                { } message
            )
            {
                await Account.Messages.TryTakeBackAsync(
                    BlobLayout.TrainingResultsQueue,
                    new SentMessage(message.MessageId, message.PopReceipt),
                    Cancellation
                );
                return ContractJson.Read<TrainingResult>(message.Body.ToString());
            }

            await Task.Delay(100, Cancellation);
        }
    }
}
