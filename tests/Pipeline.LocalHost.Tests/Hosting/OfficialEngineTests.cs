using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pipeline.Contracts;
using Pipeline.Functions;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Training;
using Pipeline.LocalHost.Processes;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// What Microsoft's engine and host do and an imitation did not: calls about instances that have ended or never were,
/// failures as text, messages that the host makes dead letters.
/// </summary>
public sealed class OfficialEngineTests : OwnBench
{
    [Fact]
    public async Task Cancel_UnknownEndedAndSuspendedRuns_AnswersAsTheyAre()
    {
        RunRecord run = await Bench.UntilAsync(await Bench.DropAsync("cancelling"), r => r.Stage == RunStage.Train);
        foreach (string instance in (string[])[run.RunId, TrainingWatch.InstanceOf(run.RunId)])
        {
            await Bench.Host.Durable.SuspendInstanceAsync(instance, "by a person", Cancellation);
            await UntilAsync(instance, OrchestrationRuntimeStatus.Suspended);
        }

        (HttpStatusCode unknown, string nobody) = await Bench.CallAsync(HttpMethod.Post, "api/runs/nobody/cancel");
        (HttpStatusCode suspended, _) = await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/cancel");
        await UntilAsync(run.RunId, OrchestrationRuntimeStatus.Terminated);
        (HttpStatusCode ended, string reason) = await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/cancel");

        Assert.Equal((HttpStatusCode.NotFound, "There is no run 'nobody'."), (unknown, nobody));
        Assert.Equal(
            (HttpStatusCode.OK, RunState.Cancelled),
            (suspended, (await Account.Runs.GetAsync(run.RunId, Cancellation))!.State)
        );
        Assert.Equal(
            (HttpStatusCode.Conflict, $"Run '{run.RunId}' is cancelled; there is nothing to cancel."),
            (ended, reason)
        );
    }

    /// <summary>
    /// The orchestration has ended and the run's row does not know it yet, or it is gone: the client refuses to end it,
    /// and the run is cancelled all the same.
    /// </summary>
    [Fact]
    public async Task Cancel_WhoseOrchestrationsHaveEndedOrAreGone_CancelsTheRun()
    {
        RunRecord run = await Bench.UntilAsync(await Bench.DropAsync("ended-first"), r => r.Stage == RunStage.Train);
        foreach (string instance in (string[])[run.RunId, TrainingWatch.InstanceOf(run.RunId)])
        {
            await Bench.Host.Durable.TerminateInstanceAsync(instance, "by a person", Cancellation);
            await UntilAsync(instance, OrchestrationRuntimeStatus.Terminated);
        }

        await Assert.ThrowsAnyAsync<InvalidOperationException>(() =>
            Bench.Host.Durable.TerminateInstanceAsync(run.RunId, "again", Cancellation)
        );
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() =>
            Bench.Host.Durable.TerminateInstanceAsync("nobody", "x", Cancellation)
        );
        (HttpStatusCode code, _) = await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/cancel");

        Assert.Equal(
            (HttpStatusCode.OK, RunState.Cancelled),
            (code, (await Account.Runs.GetAsync(run.RunId, Cancellation))!.State)
        );
    }

    [Fact]
    public async Task ResumeAndPurge_RightBehindACancellation_WaitForItsEnd()
    {
        RunRecord run = await Bench.UntilAsync(await Bench.DropAsync("right-behind"), r => r.Stage == RunStage.Train);
        await Assert.ThrowsAnyAsync<InvalidOperationException>(() =>
            Bench.Host.Durable.PurgeInstanceAsync(run.RunId, null, Cancellation)
        ); // it runs

        Assert.Equal(HttpStatusCode.OK, (await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/cancel")).Code);
        Assert.Equal(
            HttpStatusCode.Accepted,
            (await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/resume")).Code
        );
        // It runs.
        Assert.Equal(
            HttpStatusCode.Conflict,
            (await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/resume")).Code
        );
        await Bench.UntilAsync(run.RunId, r => r.Stage == RunStage.Train);
        Assert.Equal(HttpStatusCode.OK, (await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/cancel")).Code);
        Assert.Equal(HttpStatusCode.OK, (await Bench.CallAsync(HttpMethod.Delete, $"api/runs/{run.RunId}")).Code);
        Assert.False(
            await Bench.Host.Durable.GetInstanceAsync(run.RunId, false, Cancellation) is { IsCompleted: false }
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/resume")).Code
        );
    }

    [Fact]
    public async Task TrainingResult_OfAnEndedAndAnUnknownRun_IsTakenAndPoisonsNothing()
    {
        RunRecord run = await Bench.UntilAsync(await Bench.DropAsync("late-word"), r => r.Stage == RunStage.Train);
        await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/cancel");
        await UntilAsync(TrainingWatch.InstanceOf(run.RunId), OrchestrationRuntimeStatus.Terminated);

        foreach (string id in (string[])[run.RunId, "nobody"])
        {
            await Account.Messages.SendAsync(
                BlobLayout.TrainingResultsQueue,
                new TrainingResult(id, "a1", true, false, null),
                Cancellation
            );
        }

        await Bench.UntilEmptyAsync(BlobLayout.TrainingResultsQueue);
        Assert.Empty(await Account.DeadLetters.ListAsync(Cancellation));
    }

    [Theory]
    [InlineData("base: no-such-base\n", "'no-such-base' is in none of the folders")]
    [InlineData("training: { r: 0 }\n", "'training.r' is 0")]
    public async Task Dataset_WithSettingsThatFail_AnswersWithTheReason(string yaml, string reason)
    {
        await Account.Files.WriteAsync(BlobLayout.Project("failing"), Encoding.UTF8.GetBytes(yaml), Cancellation);
        await Account.Files.WriteAsync(
            BlobLayout.Raw("failing", "a.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            Cancellation
        );

        (HttpStatusCode code, string error) = await Bench.CallAsync(
            HttpMethod.Post,
            "api/projects/failing/datasets",
            new { source = "a.csv" }
        );

        Assert.Equal(HttpStatusCode.BadRequest, code);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    /// <summary>
    /// An orchestration that fails by itself has no details on this backend: its output is the failure as text.
    /// </summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Dataset_WhoseOrchestrationFails_AnswersWithItsFailure()
    {
        // No retry mends it: five take half a minute.
        await Account.Files.WriteAsync(BlobLayout.Withdrawn("broken"), "no json"u8.ToArray(), Cancellation);
        await Account.Files.WriteAsync(
            BlobLayout.Raw("broken", "a.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            Cancellation
        );

        (HttpStatusCode code, string error) = await Bench.CallAsync(
            HttpMethod.Post,
            "api/projects/broken/datasets",
            new { source = "a.csv" }
        );

        Assert.Equal(HttpStatusCode.InternalServerError, code);
        Assert.StartsWith("The dataset could not be built (Failed): ", error, StringComparison.Ordinal);
        Assert.Contains("PlanDataset", error, StringComparison.Ordinal);
    }

    /// <summary>
    /// A browser that leaves ends the stream; one that comes back with the last id that it has seen gets what follows
    /// it, and nothing twice.
    /// </summary>
    [Fact]
    public async Task Events_CutOff_GoOnBehindTheLastEventSeen()
    {
        RunRecord run = await Bench.UntilAsync(await Bench.DropAsync("streamed"), r => r.Stage == RunStage.Train);
        BlobAddress progress = BlobLayout.Progress(run.RunId);
        byte[] first = "{\"stage\":\"load\",\"at\":\"2026-01-01T00:00:00Z\"}\n"u8.ToArray();
        await Account.Files.TryAppendAsync(progress, first, 0, Cancellation);
        string path = $"api/runs/{run.RunId}/events";
        using (var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation))
        {
            await using Stream stream = await Bench.Http.GetStreamAsync(path, leaving.Token);
            using var reader = new StreamReader(stream);
            string seen = "";
            while (!seen.Contains("id: ", StringComparison.Ordinal))
            {
                seen += await reader.ReadLineAsync(leaving.Token) + "\n";
            }

            Assert.Contains("\"stage\":\"load\"", seen, StringComparison.Ordinal);
            await leaving.CancelAsync();
        }

        await Account.Files.TryAppendAsync(
            progress,
            "{\"stage\":\"train\",\"at\":\"2026-01-01T00:00:01Z\"}\n"u8.ToArray(),
            first.Length,
            Cancellation
        );
        await Bench.CallAsync(HttpMethod.Post, $"api/runs/{run.RunId}/cancel");
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Last-Event-ID", $"{first.Length}");
        using HttpResponseMessage response = await Bench.Http.SendAsync(request, Cancellation);
        string rest = await response.Content.ReadAsStringAsync(Cancellation);

        Assert.DoesNotContain("\"stage\":\"load\"", rest, StringComparison.Ordinal);
        Assert.Contains("\"stage\":\"train\"", rest, StringComparison.Ordinal);
        Assert.EndsWith("event: end\ndata: {}\n\n", rest, StringComparison.Ordinal);
    }

    /// <summary>
    /// A browser that leaves is not a fault of the call: on the Functions host it was a failed invocation in the log.
    /// </summary>
    [Fact]
    public async Task Events_BrowserLeaves_EndWithoutAFault()
    {
        RunRecord run = await Bench.UntilAsync(await Bench.DropAsync("left-stream"), r => r.Stage == RunStage.Train);
        await using ServiceProvider services = new ServiceCollection().AddLogging().BuildServiceProvider();
        using var left = new CancellationTokenSource();
        var context = new DefaultHttpContext { RequestServices = services, RequestAborted = left.Token };
        context.Response.Body = new MemoryStream();
        IResult stream = await new GetRunEvents(Account, TimeProvider.System).Run(
            context.Request,
            run.RunId,
            CancellationToken.None
        );

        Task served = stream.ExecuteAsync(context);
        await Task.Delay(500, Cancellation);
        Assert.False(served.IsCompleted);
        await left.CancelAsync();

        await served.WaitAsync(TimeSpan.FromSeconds(10), Cancellation); // throws what the stream threw
    }

    /// <summary>
    /// A run that another engine left is listed as interrupted, and starts again when it is asked to.
    /// </summary>
    [Fact]
    public async Task Run_ThatNoOrchestrationWorksOn_IsListedAsInterruptedAndCanBeResumed()
    {
        string id = await Bench.DropAsync("left-behind");
        await Bench.UntilAsync(id, r => r.Stage == RunStage.Train);
        await Bench.CallAsync(HttpMethod.Post, $"api/runs/{id}/cancel");
        string[] instances = [TrainingWatch.InstanceOf(id), DatasetGeneration.InstanceOf(id), id];
        await Task.WhenAll(instances.Select(i => Bench.Host.Durable.WaitForInstanceCompletionAsync(i, Cancellation)));
        // The engine may write the row of an instance once more when a late message of another comes to it.
        for (int looks = 0; looks < 3; looks++)
        {
            foreach (string instance in instances)
            {
                await Bench.Host.Durable.PurgeInstanceAsync(instance, null, Cancellation);
            }

            await Task.Delay(1000, Cancellation);
        }

        await Account.Runs.UpdateAsync(
            id,
            r => r with { State = RunState.Running, UpdatedAt = DateTimeOffset.UtcNow.AddHours(-1) },
            Cancellation
        );

        List<RunRecord> runs = (
            await Bench.Http.GetFromJsonAsync<List<RunRecord>>("api/runs", ContractJson.Compact, Cancellation)
        )!;
        RunRecord listed = runs.Single(r => r.RunId == id);
        Assert.Equal(RunState.Interrupted, listed.State);
        Assert.Contains("Resume it to start it again", listed.Error, StringComparison.Ordinal);

        await Account.Files.WriteAsync(
            BlobLayout.Raw("left-behind", "a.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(40)),
            Cancellation
        ); // told of the same file again, as a new host is
        await Task.Delay(2000, Cancellation);
        Assert.Equal(RunState.Interrupted, (await Account.Runs.GetAsync(id, Cancellation))!.State);

        Assert.Equal(HttpStatusCode.Accepted, (await Bench.CallAsync(HttpMethod.Post, $"api/runs/{id}/resume")).Code);
        Assert.Equal(RunState.Running, (await Bench.UntilAsync(id, r => r.Stage == RunStage.Train)).State);
    }

    /// <summary>
    /// On Azure nothing else creates them: the app's own service does, first of all that are started.
    /// </summary>
    [Fact]
    public async Task Start_OnAnEmptyAccount_CreatesWhatIsAsked()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-empty-").FullName;
        try
        {
            await using Azurite azurite = await Azurite.StartAsync(data, _ => { }, Cancellation);
            IConfiguration configuration = new ConfigurationBuilder()
                .AddInMemoryCollection(
                    new Dictionary<string, string?> { ["AzureWebJobsStorage"] = azurite.ConnectionString }
                )
                .Build();
            var services = new ServiceCollection();
            services.AddLogging().AddSingleton(configuration);
            PipelineServices.Add(services, configuration);
            await using ServiceProvider provider = services.BuildServiceProvider();
            PipelineStorage account = provider.GetRequiredService<PipelineStorage>();
            await Assert.ThrowsAsync<Azure.RequestFailedException>(() => account.Runs.ListAsync(null, Cancellation));

            await provider.GetServices<IHostedService>().First().StartAsync(Cancellation);

            Assert.Empty(await account.Runs.ListAsync(null, Cancellation));
            Assert.Empty(await account.DeadLetters.ListAsync(Cancellation));
            Assert.All(
                BlobLayout.Containers,
                c => Assert.True(account.Blobs.GetBlobContainerClient(c).Exists(Cancellation), c)
            );
            Assert.All(BlobLayout.Queues, q => Assert.True(account.Queues.GetQueueClient(q).Exists(Cancellation), q));
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }

        Assert.Equal(
            [],
            (await Bench.Http.GetFromJsonAsync<List<RunRecord>>("api/runs", ContractJson.Compact, Cancellation))!
        );
    }

    private async Task UntilAsync(string instance, OrchestrationRuntimeStatus status)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while ((await Bench.Host.Durable.GetInstanceAsync(instance, false, limit.Token))?.RuntimeStatus != status)
        {
            await Task.Delay(50, limit.Token);
        }
    }
}
