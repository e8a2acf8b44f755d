using System.Net;
using System.Text;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.Storage;
using static Pipeline.LocalHost.Tests.Hosting.HostFixture;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>What the host itself withstands: a cancelled run, malformed messages, a restart, a second host.</summary>
[Collection(OneHost.Name)]
public sealed class EmbeddedHostTests(HostFixture host)
{
    [Fact]
    public async Task Cancel_WhileTraining_StopsTheWorkerAndPublishesNothing()
    {
        await host.PutProjectAsync(
            "cancelled",
            "training: { epochs: 100, batchSize: 1 }\nevaluation: { generate: false }\n"
        );
        await host.DropAsync("cancelled", "a.csv", HostFixture.Rows(100));
        RunRecord run = await host.WaitAsync("cancelled", r => r.Stage == RunStage.Train);
        while (
            await host.Storage.Files.ReadAsync(BlobLayout.Progress(run.RunId), TestContext.Current.CancellationToken)
                is not { } lines
            || !Encoding.UTF8.GetString(lines).Contains("\"loss\"", StringComparison.Ordinal)
        )
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        HttpResponseMessage answer = await host.PostAsync($"api/runs/{run.RunId}/cancel", new { });

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(RunState.Cancelled, (await host.WaitAsync("cancelled", HasEnded)).State);
        while (
            (
                await host
                    .Storage.Queues.GetQueueClient(BlobLayout.TrainingJobsQueue)
                    .GetPropertiesAsync(TestContext.Current.CancellationToken)
            )
                .Value
                .ApproximateMessagesCount > 0
        )
        {
            await Task.Delay(200, TestContext.Current.CancellationToken); // the worker takes the message with it
        }

        Assert.Empty(
            (await host.Storage.Registry.GetAsync("cancelled", TestContext.Current.CancellationToken)).Published
        );
        Assert.Equal(
            HttpStatusCode.Conflict,
            (await host.PostAsync($"api/runs/{run.RunId}/cancel", new { })).StatusCode
        );
    }

    [Fact]
    public async Task Queue_MalformedMessages_GoToPoisonAndBlockNothing()
    {
        await host
            .Storage.Queues.GetQueueClient(BlobLayout.TrainingResultsQueue)
            .SendMessageAsync("no json", TestContext.Current.CancellationToken);
        await host
            .Storage.Queues.GetQueueClient(BlobLayout.TrainingJobsQueue)
            .SendMessageAsync("{\"runId\":\"nobody\"}", TestContext.Current.CancellationToken);

        foreach (string queue in BlobLayout.Queues)
        {
            var poison = host.Storage.Queues.GetQueueClient(queue + "-poison");
            while (
                !await poison.ExistsAsync(TestContext.Current.CancellationToken)
                || (await poison.GetPropertiesAsync(TestContext.Current.CancellationToken))
                    .Value
                    .ApproximateMessagesCount == 0
            )
            {
                await Task.Delay(100, TestContext.Current.CancellationToken);
            }
        }
    }

    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Restart_WhileTraining_ResumesFromTheCheckpoint()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-restart-").FullName;
        try
        {
            string runId;
            await using (EmbeddedHost first = await HostFixture.StartAsync(data))
            {
                await first.Storage.PutProjectAsync(
                    "again",
                    "training: { r: 4, epochs: 6, batchSize: 4, checkpointSteps: 5 }\n" + HostFixture.QuickEvaluation
                );
                await first.Storage.DropAsync("again", "a.csv", HostFixture.Rows(120));
                runId = await UntilCheckpointAsync(first.Storage, "again");
            }

            await using EmbeddedHost second = await HostFixture.StartAsync(data);
            RunRecord run = await UntilEndedAsync(second.Storage, runId);

            Assert.Equal((RunState.Completed, null), (run.State, run.Error));
            IReadOnlyList<int> steps = await second.Storage.ReadStepsAsync(runId);
            Assert.Equal(1, steps.Count(s => s == 1)); // it resumed from the checkpoint, not from the start
            Assert.Equal(
                [1],
                (await second.Storage.Registry.GetAsync("again", TestContext.Current.CancellationToken)).Published
            );
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    [Fact]
    public async Task Start_FolderOrPortInUse_NamesIt()
    {
        HostException folder = await Assert.ThrowsAsync<HostException>(() => HostFixture.StartAsync(host.Data));
        Assert.Contains("Another host uses", folder.Message, StringComparison.Ordinal);

        string data = Directory.CreateTempSubdirectory("pipeline-port-").FullName;
        try
        {
            var options = new HostOptions
            {
                DataDirectory = data,
                Port = host.Http.BaseAddress!.Port,
                LogToConsole = false,
                StartWorker = false,
            };
            HostException port = await Assert.ThrowsAsync<HostException>(() =>
                EmbeddedHost.StartAsync(options, _ => { }, TestContext.Current.CancellationToken)
            );
            Assert.Contains($"Port {options.Port} is in use", port.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    /// <summary>Waits for a first checkpoint.</summary>
    /// <returns>The run that wrote it.</returns>
    private static async Task<string> UntilCheckpointAsync(PipelineStorage storage, string project)
    {
        while (true)
        {
            IReadOnlyList<RunRecord> runs = await storage.Runs.ListAsync(
                project,
                TestContext.Current.CancellationToken
            );
            if (
                runs.Count > 0
                && (
                    await storage.Files.ListAsync(
                        BlobLayout.JobsContainer,
                        BlobLayout.CheckpointPrefix(runs[0].RunId),
                        TestContext.Current.CancellationToken
                    )
                ).Count > 0
            )
            {
                return runs[0].RunId;
            }

            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<RunRecord> UntilEndedAsync(PipelineStorage storage, string runId)
    {
        while (true)
        {
            RunRecord run = (await storage.Runs.GetAsync(runId, TestContext.Current.CancellationToken))!;
            if (HasEnded(run))
            {
                return run;
            }

            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }
}
