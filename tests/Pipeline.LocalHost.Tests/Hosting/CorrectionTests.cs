using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.DurableTask;
using Pipeline.Contracts;
using Pipeline.Datasets.Synthesis;
using Pipeline.Functions.Retraining;
using Pipeline.Functions.Training;
using static Pipeline.LocalHost.Tests.Hosting.HostFixture;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>What people change afterwards: corrected rows, feedback, withdrawn rows. Each trains again.</summary>
[Collection(OneHost.Name)]
public sealed class CorrectionTests(HostFixture host)
{
    /// <summary>
    /// Bad rows are downloaded as a table, corrected, dropped, and the run starts anew with all of them.
    /// </summary>
    [Fact]
    public async Task Drop_OfCorrectedRows_RestartsTheirSourceWithBoth()
    {
        await host.PutProjectAsync("mending", HostFixture.QuickYaml);
        await host.DropAsync("mending", "a.csv", HostFixture.Rows(118) + "good evening friend,\ngood night friend,\n");
        RunRecord first = await host.WaitAsync("mending", HasEnded);

        string table = await host.Http.GetStringAsync(
            $"api/runs/{first.RunId}/rejected?as=csv",
            TestContext.Current.CancellationToken
        );
        string page = await host.Http.GetStringAsync(
            $"api/runs/{first.RunId}/rejected?as=page",
            TestContext.Current.CancellationToken
        );
        await host.DropAsync(
            "mending",
            "mended/a.csv/fix.csv",
            table.Replace("friend,,", "friend,greeting,", StringComparison.Ordinal)
        );
        RunRecord second = await host.WaitAsync("mending", r => HasEnded(r) && r.RunId != first.RunId);

        Assert.Contains("missing_label", page, StringComparison.Ordinal);
        Assert.Equal((RunState.Completed, "a.csv"), (second.State, second.Source));
        DatasetManifest manifest = await ReadManifestAsync(second);
        Assert.Equal((122, 120, 2), (manifest.Rows.Read, manifest.Rows.Accepted, manifest.Rows.Rejected));
    }

    /// <summary>What was trained with a withdrawn row is listed; the next adapter is trained without it.</summary>
    [Fact]
    public async Task Http_Withdrawal_ListsWhatSawTheRowAndTrainsWithoutIt()
    {
        await host.PutProjectAsync("erasure", HostFixture.QuickYaml);
        await host.DropAsync("erasure", "a.csv", HostFixture.Rows(120) + "without a label,\n");
        RunRecord first = await host.WaitAsync("erasure", HasEnded);

        AffectedDataset before = Assert.Single(await GetAffectedByRow3Async());
        await CacheResponseAsync(parentRow: 3);
        await CacheResponseAsync(parentRow: 4);
        HttpResponseMessage withdrawn = await host.PostAsync(
            "api/projects/erasure/withdrawals",
            new { source = "a.csv", rows = new[] { 3 } }
        );
        RunRecord second = await host.WaitAsync("erasure", r => HasEnded(r) && r.RunId != first.RunId);
        List<AffectedDataset> after = await GetAffectedByRow3Async();

        Assert.Equal(
            [BlobLayout.ModelAnswer("erasure", "after-4").Name],
            (
                await host.Storage.Files.ListAsync(
                    BlobLayout.ProjectsContainer,
                    BlobLayout.ModelAnswers("erasure"),
                    TestContext.Current.CancellationToken
                )
            ).Select(b => b.Name)
        );
        Assert.Equal((first.DatasetId, "a.csv#3"), (before.DatasetId, before.Fates[0].Id));
        Assert.Equal(new AffectedRun(first.RunId, RunState.Completed, first.Adapter, true), Assert.Single(before.Runs));
        Assert.Equal((HttpStatusCode.Accepted, RunState.Completed), (withdrawn.StatusCode, second.State));
        Assert.Equal(
            "left out: withdrawn, withdrawn: nothing of it is kept",
            Assert.Single(after.Single(d => d.DatasetId == second.DatasetId).Fates).What
        );
        await AssertRequestsWithoutAValidRowAreRefusedAsync();
        await AssertNothingStartsWithoutAsync(
            500,
            "Row a.csv#500 is in no dataset of 'erasure': nothing was withdrawn"
        );
        await AssertNothingStartsWithoutAsync(121, "Row a.csv#121 is withdrawn. Nothing was learned from them");
    }

    [Theory]
    [InlineData("by-count", "retraining: { feedbackCount: 3, scheduledMinimum: 1000 }\n", RunTrigger.Feedback)]
    [InlineData("by-timer", "retraining: { feedbackCount: 0, scheduledMinimum: 3 }\n", RunTrigger.Timer)]
    public async Task Feedback_EnoughCorrections_TrainAgainOnce(string project, string yaml, RunTrigger trigger)
    {
        await host.PutProjectAsync(project, HostFixture.QuickYaml + yaml);
        await host.DropAsync(project, "a.csv", HostFixture.Rows(80));
        await host.WaitAsync(project, HasEnded);
        HttpResponseMessage wrong = await host.PostAsync($"api/projects/{project}/feedback", new { score = 5 });
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        // a thumb teaches nothing
        await host.PostAsync(
            $"api/projects/{project}/feedback",
            new
            {
                adapterVersion = "v1",
                text = "hello",
                score = 1,
            }
        );

        for (int i = 0; i < 3; i++)
        {
            await SendCorrectionAsync(project, $"hello to number {i}");
        }

        RunRecord again = await host.WaitAsync(project, r => r.Trigger == trigger && HasEnded(r));
        Assert.Equal((RunState.Completed, 2), (again.State, again.Version!.Value));
        DatasetManifest manifest = await ReadManifestAsync(again);
        Assert.Equal(83, manifest.Rows.Read);
        IReadOnlyList<Example> rows = await ReadRowsAsync(again);
        Assert.All(
            rows,
            r =>
                Assert.Equal(
                    r.Source.File.StartsWith("verdicts-", StringComparison.Ordinal) ? "clerk 7" : null,
                    r.Reviewer
                )
        );
        Assert.Contains(rows, r => r.Reviewer is not null);
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        Assert.Equal(2, (await host.Storage.Runs.ListAsync(project, TestContext.Current.CancellationToken)).Count);
        await AssertResumeIsRefusedWhileAnotherRetrainsAsync(project, again);
    }

    private async Task<List<AffectedDataset>> GetAffectedByRow3Async() =>
        (
            await host.Http.GetFromJsonAsync<List<AffectedDataset>>(
                "api/projects/erasure/affected?source=a.csv&row=3",
                TestContext.Current.CancellationToken
            )
        )!;

    /// <summary>A response of the language model whose prompt held a row.</summary>
    private async Task CacheResponseAsync(int parentRow)
    {
        var bought = new ModelAnswer
        {
            Key = $"after-{parentRow}",
            Finish = AnswerFinish.Stop,
            Text = "{}",
            TokensIn = 1,
            TokensOut = 1,
            Parents = [$"a.csv#{parentRow}"],
        };
        await host.Storage.Files.WriteJsonAsync(
            BlobLayout.ModelAnswer("erasure", bought.Key),
            bought,
            TestContext.Current.CancellationToken
        );
    }

    private async Task AssertRequestsWithoutAValidRowAreRefusedAsync()
    {
        HttpResponseMessage rowZero = await host.PostAsync(
            "api/projects/erasure/withdrawals",
            new { source = "a.csv", rows = new[] { 0 } }
        );
        HttpResponseMessage noRow = await host.Http.GetAsync(
            "api/projects/erasure/affected?source=a.csv",
            TestContext.Current.CancellationToken
        );

        Assert.Equal(HttpStatusCode.BadRequest, rowZero.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, noRow.StatusCode);
    }

    private async Task AssertNothingStartsWithoutAsync(int row, string words)
    {
        HttpResponseMessage answer = await host.PostAsync(
            "api/projects/erasure/withdrawals",
            new { source = "a.csv", rows = new[] { row } }
        );
        JsonElement body = await JsonAsync(answer);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(body.GetProperty("started").GetBoolean());
        Assert.StartsWith(words, body.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(2, (await host.Storage.Runs.ListAsync("erasure", TestContext.Current.CancellationToken)).Count);
    }

    private async Task SendCorrectionAsync(string project, string text)
    {
        HttpResponseMessage kept = await host.PostAsync(
            $"api/projects/{project}/feedback",
            new
            {
                text,
                score = -1,
                correction = "greeting",
                adapterVersion = "v1",
                reviewer = "clerk 7",
            }
        );
        Assert.Equal(HttpStatusCode.OK, kept.StatusCode);
    }

    private async Task<DatasetManifest> ReadManifestAsync(RunRecord run) =>
        (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(run.DatasetId!, BlobLayout.ManifestFile),
                TestContext.Current.CancellationToken
            )
        )!;

    /// <summary>Every row of a run's dataset.</summary>
    private async Task<IReadOnlyList<Example>> ReadRowsAsync(RunRecord run)
    {
        string[] files = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        IEnumerable<byte[]?> texts = await Task.WhenAll(
            files.Select(f =>
                host.Storage.Files.ReadAsync(
                    BlobLayout.Dataset(run.DatasetId!, f),
                    TestContext.Current.CancellationToken
                )
            )
        );
        return
        [
            .. texts
                .SelectMany(t => Encoding.UTF8.GetString(t!).Split('\n', StringSplitOptions.RemoveEmptyEntries))
                .Select(l => ContractJson.Read<Example>(l)),
        ];
    }

    /// <summary>
    /// A retraining has failed and another one runs: the refusal says that, and not that files have changed.
    /// </summary>
    private async Task AssertResumeIsRefusedWhileAnotherRetrainsAsync(string project, RunRecord run)
    {
        string instance = RetrainingOrchestrations.InstanceOf(project);
        await host.Storage.Runs.UpdateAsync(
            run.RunId,
            r => r with { State = RunState.Failed },
            TestContext.Current.CancellationToken
        );
        await host.Durable.PurgeInstanceAsync(instance, TestContext.Current.CancellationToken);
        var job = new TrainingAttempt(run.RunId, project, run.DatasetId!, "another");
        await host.Durable.ScheduleNewOrchestrationInstanceAsync(
            TrainingWatch.Name,
            new TrainingWait(job, new SubmittedJob(1, TimeSpan.FromHours(1), TimeSpan.FromHours(1), 0), 0),
            new StartOrchestrationOptions(instance),
            TestContext.Current.CancellationToken
        );

        HttpResponseMessage refused = await host.PostAsync($"api/runs/{run.RunId}/resume", new { });

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains(
            "Another retraining of the project runs",
            await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal
        );
        await host.Durable.TerminateInstanceAsync(instance, (object?)null, TestContext.Current.CancellationToken);
    }
}
