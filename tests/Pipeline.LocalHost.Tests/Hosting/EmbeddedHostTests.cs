using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.DurableTask;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Synthesis;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Retraining;
using Pipeline.Functions.Training;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Processes;
using Pipeline.Tokenization;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>The whole road against real parts.</summary>
public sealed class EmbeddedHostTests(HostFixture host) : IClassFixture<HostFixture>
{
    private static bool HasEnded(RunRecord run) => run.State != RunRecord.Running;

    [Fact]
    public async Task Drop_OfAFile_EndsAsAPublishedAdapterAndTheSameBytesStartNothing()
    {
        await host.PutProjectAsync("drop", HostFixture.QuickYaml);
        await host.DropAsync("drop", "a.csv", HostFixture.Rows(120));

        RunRecord run = await host.WaitAsync("drop", HasEnded);

        Assert.Equal((RunRecord.Completed, null, "drop"), (run.State, run.Error, run.Trigger));
        IEnumerable<string> files = (
            await host.Storage.Files.ListAsync(
                BlobLayout.AdaptersContainer,
                run.Adapter!,
                TestContext.Current.CancellationToken
            )
        ).Select(f => f.Name[run.Adapter!.Length..]);
        Assert.Subset(
            files.ToHashSet(),
            new HashSet<string>
            {
                "adapter_model.safetensors",
                "adapter_config.json",
                "evaluation.json",
                "report.html",
                "README.md",
                "training.json",
            }
        );
        Assert.Contains(files, f => f.StartsWith("tensorboard/events", StringComparison.Ordinal));
        EvaluationReport evaluation = (
            await host.Storage.Files.ReadJsonAsync<EvaluationReport>(
                BlobLayout.Adapter("drop", 1, BlobLayout.EvaluationFile),
                TestContext.Current.CancellationToken
            )
        )!;
        Assert.Equal(
            evaluation.TunedScore.Accuracy,
            evaluation.Outcomes.Average(o => o.Tuned == o.Gold ? 1.0 : 0),
            1e-9
        );
        Assert.Equal(
            [1],
            (await host.Storage.Registry.GetAsync("drop", TestContext.Current.CancellationToken)).Published
        );

        await host.DropAsync("drop", "a.csv", HostFixture.Rows(120)); // another ETag, the same bytes
        HttpResponseMessage again = await host.PostAsync("api/projects/drop/runs", new { source = "a.csv" });

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        JsonElement answer = await HostFixture.JsonAsync(again);
        Assert.Equal(
            (run.RunId, false),
            (answer.GetProperty("runId").GetString(), answer.GetProperty("started").GetBoolean())
        );
        Assert.Contains("none started", answer.GetProperty("message").GetString(), StringComparison.Ordinal);
        await Task.Delay(1500, TestContext.Current.CancellationToken);
        Assert.Single(await host.Storage.Runs.ListAsync("drop", TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("empty-file", "", "is empty")]
    [InlineData("zip-file", "PK\u0003\u0004zip", "is an archive that cannot be unpacked")]
    [InlineData("no-label", "id,text\n1,a\n2,b\n3,c\n", "has no column that is plainly the label")]
    [InlineData("one-label", "text,label\na,x\nb,x\nc,x\nd,x\n", "Every accepted row has the label 'x'")]
    [InlineData("all-rejected", "text,label\na,\n,x\n", "All 2 rows were rejected")]
    public async Task Drop_OfABadFile_FailsWithTheReasonAndPublishesNothing(string project, string text, string reason)
    {
        await host.DropAsync(project, "bad.csv", text);

        RunRecord run = await host.WaitAsync(project, HasEnded);

        Assert.Equal(RunRecord.Failed, run.State);
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.Empty(
            await host.Storage.Files.ListAsync(
                BlobLayout.AdaptersContainer,
                project + "/",
                TestContext.Current.CancellationToken
            )
        );
    }

    [Fact]
    public async Task Drop_WithAMissingBase_FailsWithItsName()
    {
        await host.PutProjectAsync("no-base", "base: no-such-base\n");
        await host.DropAsync("no-base", "a.csv", HostFixture.Rows(40));

        Assert.Contains(
            "'no-such-base' is in none of the folders",
            (await host.WaitAsync("no-base", HasEnded)).Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Drop_WithMoreTokensThanTheBaseReads_FailsWithBothNumbers()
    {
        await host.PutProjectAsync("too-long", "validation: { maxTokens: 4096 }\n");
        await host.DropAsync("too-long", "a.csv", HostFixture.Rows(40));

        Assert.Contains(
            "validation.maxTokens is 4096; the base 'tiny-llama-chat' reads at most 512",
            (await host.WaitAsync("too-long", HasEnded)).Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task Drop_BeforeItsTestSet_StartsWhenTheTestSetComes()
    {
        await host.PutProjectAsync("test-later", HostFixture.QuickYaml + "split: { test: held.csv }\n");
        await host.DropAsync("test-later", "a.csv", HostFixture.Rows(80));
        await Task.Delay(1500, TestContext.Current.CancellationToken);
        Assert.Empty(await host.Storage.Runs.ListAsync("test-later", TestContext.Current.CancellationToken));

        await host.DropAsync("test-later", "held.csv", HostFixture.Rows(30, "t"));

        Assert.Equal(RunRecord.Completed, (await host.WaitAsync("test-later", HasEnded)).State);
    }

    [Fact]
    public async Task Drop_OfTheTestSet_StartsNothingUntilTheRowsCome()
    {
        await host.PutProjectAsync("own-test", HostFixture.QuickYaml + "split: { test: held.csv }\n");
        await host.DropAsync("own-test", "held.csv", HostFixture.Rows(30, "t"));
        await Task.Delay(1500, TestContext.Current.CancellationToken);
        Assert.Empty(await host.Storage.Runs.ListAsync("own-test", TestContext.Current.CancellationToken));

        await host.DropAsync("own-test", "a.csv", HostFixture.Rows(80));

        RunRecord run = await host.WaitAsync("own-test", HasEnded);
        Assert.Equal(RunRecord.Completed, run.State);
        DatasetManifest manifest = (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(run.DatasetId!, BlobLayout.ManifestFile),
                TestContext.Current.CancellationToken
            )
        )!;
        Assert.Equal(30, manifest.Rows.Test);
    }

    [Fact]
    public async Task Http_Projects_AreCheckedWithTheLine()
    {
        HttpResponseMessage wrong = await host.Http.PutAsync(
            "api/projects/checked",
            new StringContent("task: classification\ntrainings: {}\n"),
            TestContext.Current.CancellationToken
        );
        HttpResponseMessage name = await host.Http.PutAsync(
            "api/projects/NO",
            new StringContent(""),
            TestContext.Current.CancellationToken
        );
        HttpResponseMessage right = await host.Http.PutAsync(
            "api/projects/checked",
            new StringContent(HostFixture.QuickYaml),
            TestContext.Current.CancellationToken
        );

        Assert.Equal(
            [HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.OK],
            new[] { wrong.StatusCode, name.StatusCode, right.StatusCode }
        );
        Assert.Equal("application/problem+json", wrong.Content.Headers.ContentType?.MediaType);
        JsonElement problem = await HostFixture.JsonAsync(wrong);
        string? detail = problem.GetProperty("detail").GetString();
        Assert.Contains("line 2: 'trainings' is not a known key", detail, StringComparison.Ordinal);
        Assert.Equal(detail, problem.GetProperty("error").GetString()); // the former name, for one version
        Assert.Equal(4, (await HostFixture.JsonAsync(right)).GetProperty("training").GetProperty("r").GetInt32());
    }

    [Fact]
    public async Task Http_Dataset_IsBuiltInPartsWithoutARunAndIsTheOneBuiltAtOnce()
    {
        await host.PutProjectAsync("only-data", HostFixture.QuickYaml);
        HttpResponseMessage missing = await host.PostAsync(
            "api/projects/only-data/datasets",
            new { source = "none.csv" }
        );
        await host.Storage.Files.WriteAsync(
            BlobLayout.Raw("only-data", "sub/rows.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(100)),
            TestContext.Current.CancellationToken
        );

        HttpResponseMessage built = await host.PostAsync(
            "api/projects/only-data/datasets",
            new { source = "sub/rows.csv" }
        );

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (missing.StatusCode, built.StatusCode));
        DatasetManifest manifest = (await HostFixture.JsonAsync(built)).Deserialize<DatasetManifest>(
            ContractJson.Compact
        )!;
        Assert.Equal(100, manifest.Rows.Read);
        await host.WaitAsync("only-data", HasEnded); // the drop has started a run too, which builds the same
        Assert.Equal(
            new[]
            {
                "README.md",
                "audit.html",
                "audit.json",
                "conflicts.jsonl",
                "manifest.json",
                "rejected.jsonl",
                "test-00000-of-00001.parquet",
                "test.jsonl",
                "test.jsonl",
                "train-00000-of-00001.parquet",
                "train.jsonl",
                "train.jsonl",
                "validation-00000-of-00001.parquet",
                "validation.jsonl",
                "validation.jsonl", // and nothing of the parts
            },
            (
                await host.Storage.Files.ListAsync(
                    BlobLayout.DatasetsContainer,
                    BlobLayout.DatasetPrefix(manifest.DatasetId),
                    TestContext.Current.CancellationToken
                )
            )
                .Select(f => f.Name.Split('/')[^1])
                .Order(StringComparer.Ordinal)
        );

        // built at once from the same bytes
        string folder = Directory.CreateTempSubdirectory("pipeline-same-").FullName;
        var bases = new BaseCatalog(new BaseModelFolders(RepositoryLayout.Models));
        (ChatEncoder encoder, string sha256) = bases.EncoderFor(manifest.Settings);
        DatasetBuild whole = DatasetBuilder.Build(
            new DatasetRequest
            {
                Project = "only-data",
                Settings = manifest.Settings,
                Files = [new RawFile("sub/rows.csv", Encoding.UTF8.GetBytes(HostFixture.Rows(100)))],
                Encoder = encoder,
                TokenizerSha256 = sha256,
                Shape = bases.ShapeOf(manifest.Settings),
            },
            folder
        );
        Assert.Equal(ContractJson.Write(whole.Manifest), ContractJson.Write(manifest));
        foreach (string file in whole.Files)
        {
            Assert.Equal(
                await File.ReadAllBytesAsync(Path.Combine(folder, file), TestContext.Current.CancellationToken),
                await host.Storage.Files.ReadAsync(
                    BlobLayout.Dataset(manifest.DatasetId, file),
                    TestContext.Current.CancellationToken
                )
            );
        }

        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Http_DatasetWithSynthesis_LearnsFromMadeRowsAlone()
    {
        await host.PutProjectAsync(
            "made-rows",
            HostFixture.QuickYaml
                + "synthesis: { templates: [ { text: 'hello {{name.firstName}} {{name.lastName}}', label: greeting, count: 15 } ], model: { deployment: gpt, rows: 10 } }\n"
        );
        await host.Storage.Files.WriteAsync(
            BlobLayout.Raw("made-rows", "rows.csv"),
            Encoding.UTF8.GetBytes(HostFixture.Rows(100)),
            TestContext.Current.CancellationToken
        );

        DatasetManifest manifest = (
            await HostFixture.JsonAsync(
                await host.PostAsync("api/projects/made-rows/datasets", new { source = "rows.csv" })
            )
        ).Deserialize<DatasetManifest>(ContractJson.Compact)!;
        DatasetManifest again = (
            await HostFixture.JsonAsync(
                await host.PostAsync("api/projects/made-rows/datasets", new { source = "rows.csv" })
            )
        ).Deserialize<DatasetManifest>(ContractJson.Compact)!;

        Assert.Equal([("templates", 15), ("gpt", 20)], manifest.Synthesis.Select(s => (s.Generator, s.Made)));
        string[] lines = Encoding
            .UTF8.GetString(
                (
                    await host.Storage.Files.ReadAsync(
                        BlobLayout.Dataset(manifest.DatasetId, BlobLayout.TrainFile),
                        TestContext.Current.CancellationToken
                    )
                )!
            )
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(
            manifest.Synthesis.Sum(s => s.Learned),
            lines.Count(l => ContractJson.Read<Example>(l).Synthetic is not null)
        );
        Assert.Equal(135, manifest.Rows.Read);
        // the same answers: none was bought again
        Assert.Equal((manifest.DatasetId, 2), (again.DatasetId, again.Synthesis[1].Calls));
        Assert.Equal(
            2,
            (
                await host.Storage.Files.ListAsync(
                    BlobLayout.ProjectsContainer,
                    "made-rows/synthesis/",
                    TestContext.Current.CancellationToken
                )
            ).Count
        );
    }

    /// <summary>
    /// Bad rows are downloaded as a table, corrected, dropped, and the run starts anew with all of them.
    /// </summary>
    [Fact]
    public async Task Drop_OfMendedRows_StartsTheirSourceAnewWithBoth()
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
        Assert.Equal((RunRecord.Completed, "a.csv"), (second.State, second.Source));
        DatasetManifest manifest = (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(second.DatasetId!, BlobLayout.ManifestFile),
                TestContext.Current.CancellationToken
            )
        )!;
        Assert.Equal((122, 120, 2), (manifest.Rows.Read, manifest.Rows.Accepted, manifest.Rows.Rejected));
    }

    /// <summary>A person's row is to go: what saw it is listed, and the next adapter has not.</summary>
    [Fact]
    public async Task Http_Withdrawal_ListsWhatSawTheRowAndTrainsWithoutIt()
    {
        await host.PutProjectAsync("erasure", HostFixture.QuickYaml);
        await host.DropAsync("erasure", "a.csv", HostFixture.Rows(120));
        RunRecord first = await host.WaitAsync("erasure", HasEnded);

        AffectedDataset seen = Assert.Single(
            (
                await host.Http.GetFromJsonAsync<List<AffectedDataset>>(
                    "api/projects/erasure/affected?source=a.csv&row=3",
                    TestContext.Current.CancellationToken
                )
            )!
        );
        foreach (int row in (int[])[3, 4])
        {
            var bought = new ModelAnswer
            {
                Key = $"after-{row}",
                Finish = ModelAnswer.Stop,
                Text = "{}",
                TokensIn = 1,
                TokensOut = 1,
                Parents = [$"a.csv#{row}"],
            };
            await host.Storage.Files.WriteJsonAsync(
                BlobLayout.ModelAnswer("erasure", bought.Key),
                bought,
                TestContext.Current.CancellationToken
            );
        }

        HttpResponseMessage withdrawn = await host.PostAsync(
            "api/projects/erasure/withdrawals",
            new { source = "a.csv", rows = new[] { 3 } }
        );
        RunRecord second = await host.WaitAsync("erasure", r => HasEnded(r) && r.RunId != first.RunId);
        List<AffectedDataset> after = (
            await host.Http.GetFromJsonAsync<List<AffectedDataset>>(
                "api/projects/erasure/affected?source=a.csv&row=3",
                TestContext.Current.CancellationToken
            )
        )!;

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
        Assert.Equal((first.DatasetId, "a.csv#3"), (seen.DatasetId, seen.Fates[0].Id));
        Assert.Equal(new AffectedRun(first.RunId, RunRecord.Completed, first.Adapter, true), Assert.Single(seen.Runs));
        Assert.Equal((HttpStatusCode.Accepted, RunRecord.Completed), (withdrawn.StatusCode, second.State));
        Assert.Equal(
            "left out: withdrawn, withdrawn: nothing of it is kept",
            Assert.Single(after.Single(d => d.DatasetId == second.DatasetId).Fates).What
        );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (
                await host.PostAsync("api/projects/erasure/withdrawals", new { source = "a.csv", rows = new[] { 0 } })
            ).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (
                await host.Http.GetAsync(
                    "api/projects/erasure/affected?source=a.csv",
                    TestContext.Current.CancellationToken
                )
            ).StatusCode
        );
    }

    [Fact]
    public async Task Http_UnknownRunAndStrangeHost_AreRefused()
    {
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await host.Http.GetAsync("api/runs/nobody", TestContext.Current.CancellationToken)).StatusCode
        );
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/runs");
        request.Headers.Host = "evil.example";
        Assert.Equal(
            HttpStatusCode.BadRequest,
            (await host.Http.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode
        );
    }

    [Fact]
    public async Task Cancel_WhileTraining_StopsTheWorkerAndPublishesNothing()
    {
        await host.PutProjectAsync(
            "cancelled",
            "training: { epochs: 100, batchSize: 1 }\nevaluation: { generate: false }\n"
        );
        await host.DropAsync("cancelled", "a.csv", HostFixture.Rows(100));
        RunRecord run = await host.WaitAsync("cancelled", r => r.Stage == "train");
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
        Assert.Equal(RunRecord.Cancelled, (await host.WaitAsync("cancelled", HasEnded)).State);
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

    [Theory]
    [InlineData("by-count", "retraining: { feedbackCount: 3, scheduledMinimum: 1000 }\n", "feedback")]
    [InlineData("by-timer", "retraining: { feedbackCount: 0, scheduledMinimum: 3 }\n", "timer")]
    public async Task Feedback_EnoughCorrections_TrainAgainOnce(string project, string yaml, string trigger)
    {
        await host.PutProjectAsync(project, HostFixture.QuickYaml + yaml);
        await host.DropAsync(project, "a.csv", HostFixture.Rows(80));
        await host.WaitAsync(project, HasEnded);
        HttpResponseMessage wrong = await host.PostAsync($"api/projects/{project}/feedback", new { score = 5 });
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        // a thumb teaches nothing
        await host.PostAsync($"api/projects/{project}/feedback", new { runId = "x", score = 1 });

        for (int i = 0; i < 3; i++)
        {
            HttpResponseMessage kept = await host.PostAsync(
                $"api/projects/{project}/feedback",
                new
                {
                    text = $"hello to number {i}",
                    score = -1,
                    correction = "greeting",
                    adapterVersion = "v1",
                    reviewer = "clerk 7",
                }
            );
            Assert.Equal(HttpStatusCode.OK, kept.StatusCode);
        }

        RunRecord again = await host.WaitAsync(project, r => r.Trigger == trigger && HasEnded(r));
        Assert.Equal((RunRecord.Completed, 2), (again.State, again.Version!.Value));
        DatasetManifest manifest = (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(again.DatasetId!, BlobLayout.ManifestFile),
                TestContext.Current.CancellationToken
            )
        )!;
        Assert.Equal(83, manifest.Rows.Read);
        string[] files = [BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile];
        IEnumerable<byte[]?> texts = await Task.WhenAll(
            files.Select(f =>
                host.Storage.Files.ReadAsync(
                    BlobLayout.Dataset(again.DatasetId!, f),
                    TestContext.Current.CancellationToken
                )
            )
        );
        Example[] rows =
        [
            .. texts
                .SelectMany(t => Encoding.UTF8.GetString(t!).Split('\n', StringSplitOptions.RemoveEmptyEntries))
                .Select(l => ContractJson.Read<Example>(l)),
        ];
        Assert.All(
            rows,
            r =>
                Assert.Equal(
                    r.Source.File.StartsWith("corrections-", StringComparison.Ordinal) ? "clerk 7" : null,
                    r.Reviewer
                )
        );
        Assert.Contains(rows, r => r.Reviewer is not null);
        await Task.Delay(3000, TestContext.Current.CancellationToken);
        Assert.Equal(2, (await host.Storage.Runs.ListAsync(project, TestContext.Current.CancellationToken)).Count);
        await ResumeWhileAnotherRetrains(project, again);
    }

    /// <summary>
    /// The retraining had failed, say, and another one runs: the refusal says that, and not that files have changed.
    /// </summary>
    private async Task ResumeWhileAnotherRetrains(string project, RunRecord run)
    {
        string instance = RetrainingInstance.InstanceOf(project);
        await host.Storage.Runs.UpdateAsync(
            run.RunId,
            r => r with { State = RunRecord.Failed },
            TestContext.Current.CancellationToken
        );
        await host.Durable.PurgeInstanceAsync(instance, TestContext.Current.CancellationToken);
        var job = new JobInput(run.RunId, project, run.DatasetId!, "another");
        await host.Durable.ScheduleNewOrchestrationInstanceAsync(
            TrainingWatch.Name,
            new TrainingWait(job, new JobHandle(1, TimeSpan.FromHours(1), TimeSpan.FromHours(1), 0), 0),
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
    public async Task Restart_WhileTraining_GoesOnToTheEnd()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-restart-").FullName;
        try
        {
            string runId;
            await using (EmbeddedHost first = await HostFixture.StartAsync(data))
            {
                await first.Storage.Files.WriteAsync(
                    BlobLayout.Project("again"),
                    Encoding.UTF8.GetBytes(
                        "training: { r: 4, epochs: 6, batchSize: 4, checkpointSteps: 5 }\nevaluation: { generate: false }\n"
                    ),
                    TestContext.Current.CancellationToken
                );
                await first.Storage.Files.WriteAsync(
                    BlobLayout.Raw("again", "a.csv"),
                    Encoding.UTF8.GetBytes(HostFixture.Rows(120)),
                    TestContext.Current.CancellationToken
                );
                while (true)
                {
                    IReadOnlyList<RunRecord> runs = await first.Storage.Runs.ListAsync(
                        "again",
                        TestContext.Current.CancellationToken
                    );
                    if (
                        runs.Count > 0
                        && (
                            await first.Storage.Files.ListAsync(
                                BlobLayout.JobsContainer,
                                BlobLayout.CheckpointPrefix(runs[0].RunId),
                                TestContext.Current.CancellationToken
                            )
                        ).Count > 0
                    )
                    {
                        runId = runs[0].RunId;
                        break;
                    }

                    await Task.Delay(50, TestContext.Current.CancellationToken);
                }
            }

            await using EmbeddedHost second = await HostFixture.StartAsync(data);
            RunRecord? run;
            while (
                (run = await second.Storage.Runs.GetAsync(runId, TestContext.Current.CancellationToken))!.State
                == RunRecord.Running
            )
            {
                await Task.Delay(100, TestContext.Current.CancellationToken);
            }

            Assert.Equal((RunRecord.Completed, null), (run.State, run.Error));
            string progress = Encoding.UTF8.GetString(
                (
                    await second.Storage.Files.ReadAsync(
                        BlobLayout.Progress(runId),
                        TestContext.Current.CancellationToken
                    )
                )!
            );
            List<int> steps =
            [
                .. progress
                    .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(l => ContractJson.Read<TrainingProgress>(l))
                    .Where(l => l.Loss is not null)
                    .Select(l => l.Done),
            ];
            Assert.Equal(1, steps.Count(s => s == 1)); // it went on from the checkpoint, not from the start
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
    public async Task Start_FolderOrPortInUse_SaysSo()
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
}
