using System.Net;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Configuration;
using static Pipeline.LocalHost.Tests.Hosting.HostFixture;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>End to end on real parts: a dropped file becomes an adapter, or a run that says why not.</summary>
[Collection(OneHost.Name)]
public sealed class DropTests(HostFixture host)
{
    [Fact]
    public async Task Drop_OfAFile_EndsAsAPublishedAdapterAndTheSameBytesStartNothing()
    {
        await host.PutProjectAsync("drop", HostFixture.QuickYaml);
        await host.DropAsync("drop", "a.csv", HostFixture.Rows(120));

        RunRecord run = await host.WaitAsync("drop", HasEnded);

        Assert.Equal((RunState.Completed, null, RunTrigger.Drop), (run.State, run.Error, run.Trigger));
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

        Assert.Equal(RunState.Failed, run.State);
        Assert.Contains(reason, run.Error, StringComparison.Ordinal);
        Assert.Empty(
            await host.Storage.Files.ListAsync(
                BlobLayout.AdaptersContainer,
                project + "/",
                TestContext.Current.CancellationToken
            )
        );
    }

    /// <summary>The file that <c>project init</c> writes, its lines set as its comments say.</summary>
    [Fact]
    public async Task Drop_WithTheSkeletonFilledIn_Trains()
    {
        string yaml = SettingsSkeleton.Write([], []);
        foreach (
            string line in (string[])
                [
                    "columns:",
                    "  text: text",
                    "  label: label",
                    "validation:",
                    "  maxTokens: 64",
                    "training:",
                    "  r: 4",
                    "  epochs: 1",
                    "  batchSize: 8",
                    "  warmupSteps: 1",
                    "evaluation:",
                    "  generate: false",
                    "  bootstrapSamples: 200",
                ]
        )
        {
            string key = line.Split(':')[0];
            string[] lines = yaml.Split('\n');
            int at = Array.FindIndex(lines, l => l.StartsWith($"# {key}:", StringComparison.Ordinal));
            lines[at] = line;
            yaml = string.Join('\n', lines);
        }

        await host.PutProjectAsync("skeleton", yaml);
        await host.DropAsync("skeleton", "a.csv", HostFixture.Rows(120));

        RunRecord run = await host.WaitAsync("skeleton", HasEnded);

        Assert.Equal((RunState.Completed, null), (run.State, run.Error));
    }

    [Fact]
    public async Task Drop_WithTextsInTwoColumns_WaitsForSettingsAndGoesOnWhenTheyArePut()
    {
        string[] lines = HostFixture.Rows(120).Trim().Split('\n');
        string rows = string.Join(
            '\n',
            lines.Select((l, i) => i == 0 ? "premise,label,hypothesis" : $"{l.Trim()},and {i} is what follows from it")
        );
        await host.PutProjectAsync("waits", HostFixture.QuickYaml);
        await host.DropAsync("waits", "a.csv", rows);

        RunRecord waiting = await host.WaitAsync("waits", HasEnded);

        Assert.Equal(RunState.NeedsSettings, waiting.State);
        Assert.Contains("  alsoText: [hypothesis]", waiting.Error, StringComparison.Ordinal);

        using var yaml = new StringContent(
            HostFixture.QuickYaml + "columns: { text: premise, alsoText: [hypothesis], label: label }\n"
        );
        HttpResponseMessage put = await host.Http.PutAsync(
            "api/projects/waits",
            yaml,
            TestContext.Current.CancellationToken
        );

        JsonElement answer = await HostFixture.JsonAsync(put);
        string next = answer.GetProperty("continued")[0].GetString()!;
        RunRecord run = await host.WaitAsync("waits", r => r.RunId == next && HasEnded(r));
        Assert.Equal((RunState.Completed, null), (run.State, run.Error));
        RunRecord former = (await host.Storage.Runs.GetAsync(waiting.RunId, TestContext.Current.CancellationToken))!;
        Assert.Equal(RunState.Cancelled, former.State);
        Assert.Contains(next, former.Error, StringComparison.Ordinal);
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
    public async Task Drop_BeforeItsTestSetAndGuardSet_StartsWhenBothHaveCome()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await host.PutProjectAsync(
            "test-later",
            HostFixture.QuickYaml.Replace("promotion: { ", "promotion: { guard: guard.csv, ", StringComparison.Ordinal)
                + "split: { test: held.csv }\n"
        );
        await host.DropAsync("test-later", "a.csv", HostFixture.Rows(80));
        await host.DropAsync("test-later", "held.csv", HostFixture.Rows(30, "t"));
        await Task.Delay(1500, cancellation);
        Assert.Empty(await host.Storage.Runs.ListAsync("test-later", cancellation));

        await host.DropAsync("test-later", "guard.csv", HostFixture.Rows(12, "g"));

        RunRecord run = await host.WaitAsync("test-later", HasEnded);
        Assert.Equal((RunState.Completed, 1), (run.State, run.Version));
        Assert.NotNull(run.LinearAccuracy);
        GateVerdict gate = (
            await host.Storage.Files.ReadJsonAsync<GateVerdict>(
                BlobLayout.Adapter("test-later", 1, BlobLayout.GateFile),
                cancellation
            )
        )!;
        Assert.Contains(gate.Checks, c => c.Rule == GateRule.Guard);
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
        Assert.Equal(RunState.Completed, run.State);
        DatasetManifest manifest = (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(run.DatasetId!, BlobLayout.ManifestFile),
                TestContext.Current.CancellationToken
            )
        )!;
        Assert.Equal(30, manifest.Rows.Test);
    }
}
