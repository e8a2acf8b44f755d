using System.Net;
using System.Net.Http.Json;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Functions.Adapters;
using Pipeline.Storage;
using static Pipeline.LocalHost.Tests.Hosting.HostFixture;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>A project's versions over HTTP: looked at, promoted, rolled back, retired, deleted.</summary>
[Collection(OneHost.Name)]
public sealed class RegistryTests(HostFixture host)
{
    private const string Project = "versions";
    private static readonly string[] Files =
    [
        BlobLayout.GateFile,
        BlobLayout.LinearModelFile,
        BlobLayout.ReportFile,
        BlobLayout.ModelCardFile,
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Tier", "Slow")]
    public async Task Http_Versions_AreShownPromotedRolledBackAndDeleted()
    {
        await host.PutProjectAsync(Project, QuickYaml);
        RunRecord first = await RunAsync("a.csv", Rows(120));
        RunRecord second = await RunAsync("b.csv", Rows(120) + "hello again,greeting\n");
        RegistryView view = await GetAsync();
        Assert.Equal([(1, first.RunId), (2, second.RunId)], view.Versions.Select(v => (v.Version, v.RunId!)));
        Assert.Equal([VersionState.Champion, VersionState.Rejected], view.Versions.Select(v => v.State));
        Assert.Equal((1, first.DatasetId, 1), (view.Champion, view.Versions[0].DatasetId, view.Versions[1].Parent));
        Assert.Equal(2, view.History.Count);
        await AssertFilesOfAVersionAsync(view.Versions[1]);

        await AssertComparisonAsync(view);
        await AssertOlderVersionIsEvaluatedAsync();

        await RefusedAsync(
            HttpStatusCode.Conflict,
            "The gate has refused V2",
            PostAsync("adapters/V2/promote", new { reason = "let me" })
        );
        await RefusedAsync(
            HttpStatusCode.Conflict,
            "The champion is V1, not V7 any more; nothing was changed.",
            PostAsync("adapters/2/promote", new { champion = 7, force = true })
        );
        await RefusedAsync(HttpStatusCode.BadRequest, "'latest' is no version", PostAsync("adapters/latest/promote"));
        await RefusedAsync(HttpStatusCode.Conflict, "There is no V9", PostAsync("adapters/9/retire"));
        Assert.Equal(
            2,
            (await ReadAsync(PostAsync("adapters/2/promote", new { force = true, champion = 1 }))).Champion
        );
        RegistryView back = await ReadAsync(PostAsync("rollback", new { reason = "complaints" }));
        Assert.Equal((1, "complaints"), (back.Champion, back.History[^1].Reason));
        Assert.Equal([VersionState.Champion, VersionState.Retired], back.Versions.Select(v => v.State));

        await DeleteVersionAsync(second);
        await PurgeCompletedAsync(first);
        await DeleteProjectAsync();
    }

    /// <summary>The verdict stands first in report and card; the linear model can be had.</summary>
    private async Task AssertFilesOfAVersionAsync(VersionEntry version)
    {
        var contents = new Dictionary<string, string>();
        foreach (string file in Files)
        {
            byte[] bytes = await host.Http.GetByteArrayAsync(
                $"api/projects/{Project}/adapters/{version.Version}/files/{file}",
                Cancellation
            );
            contents[file] = Encoding.UTF8.GetString(bytes);
        }

        GateVerdict verdict = ContractJson.Read<GateVerdict>(contents[BlobLayout.GateFile]);
        Assert.Equal((version.Line, false, 1), (verdict.Line, verdict.Promote, verdict.Champion));
        Assert.StartsWith("V2 cannot be compared: V1 stays (only 1", verdict.Line, StringComparison.Ordinal);
        Assert.Contains(
            $"</h1><p class=\"gate\">{WebUtility.HtmlEncode(verdict.Line)}</p>",
            contents[BlobLayout.ReportFile],
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"\n{verdict.Line} <!-- gate -->\n",
            contents[BlobLayout.ModelCardFile],
            StringComparison.Ordinal
        );
        Assert.NotEmpty(contents[BlobLayout.LinearModelFile]);
        string folder = $"api/projects/{Project}/adapters/{version.Version}/files";
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.GetAsync($"{folder}/none", Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await host.Http.GetAsync($"{folder}/a%5Cb", Cancellation)).StatusCode);
    }

    private async Task AssertComparisonAsync(RegistryView view)
    {
        VersionComparison comparison = await CompareAsync();
        Assert.Equal((1, 2), (comparison.Older.Version, comparison.Newer.Version));
        Assert.Equal(OlderAnswers.Complete, comparison.OlderAnswers);
        Assert.Equal(view.Versions[1].Line, comparison.Gate);
        Assert.StartsWith("V2 is ", comparison.Line, StringComparison.Ordinal);
        Assert.Equal(view.Versions[1].TestRows, comparison.Rows); // V1 has answered all rows of V2
        Assert.Equal(comparison.Rows, comparison.Labels.Sum(l => l.Rows));
        Assert.Contains(comparison.Changes, c => c is { Area: ChangeArea.Data, Name: "rows read", Newer: "121" });
        Assert.DoesNotContain(comparison.Changes, c => c.Area is ChangeArea.Code or ChangeArea.Settings);
        Assert.All(comparison.Won.Concat(comparison.Lost), r => Assert.NotNull(r.Text));
        foreach (
            (string versions, HttpStatusCode status) in ((string, HttpStatusCode)[])
                [
                    ("", HttpStatusCode.BadRequest),
                    ("1", HttpStatusCode.BadRequest),
                    ("1,1", HttpStatusCode.BadRequest),
                    ("1,2,3", HttpStatusCode.BadRequest),
                    ("one,2", HttpStatusCode.BadRequest),
                    ("1,9", HttpStatusCode.NotFound),
                ]
        )
        {
            HttpResponseMessage answer = await host.Http.GetAsync(
                $"api/projects/{Project}/compare?versions={versions}",
                Cancellation
            );
            Assert.Equal(status, answer.StatusCode);
        }
    }

    /// <summary>
    /// A pair of which the older one was not the champion when the newer one was made: a worker lets it answer.
    /// </summary>
    private async Task AssertOlderVersionIsEvaluatedAsync()
    {
        VersionComparison before = await CompareAsync();
        BlobFiles files = host.Storage.Files;
        await files.DeleteAsync(BlobLayout.Adapter(Project, 2, BlobLayout.ChampionFile), Cancellation);
        BlobAddress evaluation = BlobLayout.Adapter(Project, 1, BlobLayout.EvaluationFile);
        EvaluationReport own = (await files.ReadJsonAsync<EvaluationReport>(evaluation, Cancellation))!;
        await files.WriteJsonAsync(evaluation, own with { Outcomes = [.. own.Outcomes.Skip(3)] }, Cancellation);
        VersionComparison partial = await CompareAsync();
        BlobAddress training = BlobLayout.Adapter(Project, 1, BlobLayout.TrainingFile);
        byte[] settings = (await files.ReadAsync(training, Cancellation))!;
        await files.DeleteAsync(training, Cancellation);

        VersionComparison failed = await EvaluateAsync();
        await files.WriteAsync(training, settings, Cancellation);
        VersionComparison complete = await EvaluateAsync();

        Assert.Equal(OlderAnswers.Partial, partial.OlderAnswers);
        Assert.InRange(partial.Rows, 0, before.Rows - 1);
        Assert.Equal(OlderAnswers.Failed, failed.OlderAnswers);
        Assert.EndsWith("V1 has no training.json.", failed.Fault, StringComparison.Ordinal);
        Assert.Equal((OlderAnswers.Complete, null), (complete.OlderAnswers, complete.Fault));
        Assert.Equal((before.Rows, before.OlderScore.Score), (complete.Rows, complete.OlderScore.Score));
        Assert.Equal(before.Line, complete.Line);
        Assert.Equal(before.Notes, complete.Notes);
        await files.WriteJsonAsync(evaluation, own, Cancellation);
    }

    private async Task<VersionComparison> EvaluateAsync()
    {
        HttpResponseMessage answer = await PostAsync("compare?versions=1,2");
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        VersionComparison comparison;
        do
        {
            await Task.Delay(200, Cancellation);
            comparison = await CompareAsync();
        } while (comparison.OlderAnswers == OlderAnswers.Running);

        return comparison;
    }

    private async Task<VersionComparison> CompareAsync() =>
        ContractJson.Read<VersionComparison>(
            await host.Http.GetStringAsync($"api/projects/{Project}/compare?versions=V2,1", Cancellation)
        );

    private async Task DeleteVersionAsync(RunRecord run)
    {
        await RefusedAsync(HttpStatusCode.Conflict, "V1 is the champion", DeleteAsync("adapters/1"));
        Assert.Equal([1], (await ReadAsync(DeleteAsync("adapters/V2"))).Versions.Select(v => v.Version));
        Assert.Equal([1], (await ReadAsync(DeleteAsync("adapters/V2"))).Versions.Select(v => v.Version)); // once more
        Assert.Empty(
            await host.Storage.Files.ListAsync(
                BlobLayout.AdaptersContainer,
                BlobLayout.AdapterPrefix(Project, 2),
                Cancellation
            )
        );
        RunRecord deleted = (await host.Storage.Runs.GetAsync(run.RunId, Cancellation))!;
        Assert.Equal((null, "V2 was deleted."), (deleted.Adapter, deleted.Promotion));
        await RefusedAsync(HttpStatusCode.Conflict, "V2 was deleted.", PostAsync("adapters/2/promote"));
    }

    /// <summary>The version stays, is still found by its rows, and its bytes are not run again.</summary>
    private async Task PurgeCompletedAsync(RunRecord run)
    {
        HttpResponseMessage purged = await host.Http.DeleteAsync($"api/runs/{run.RunId}", Cancellation);
        Assert.Equal(HttpStatusCode.OK, purged.StatusCode);
        Assert.Null(await host.Storage.Runs.GetAsync(run.RunId, Cancellation));
        Assert.Equal([1], (await GetAsync()).Versions.Select(v => v.Version));
        string affected = await host.Http.GetStringAsync(
            $"api/projects/{Project}/affected?source=a.csv&row=3",
            Cancellation
        );
        Assert.Contains(run.Adapter!, affected, StringComparison.Ordinal);
        HttpResponseMessage again = await PostAsync("runs", new { source = "a.csv" });
        Assert.False((await JsonAsync(again)).GetProperty("started").GetBoolean());
    }

    private async Task DeleteProjectAsync()
    {
        await RefusedAsync(HttpStatusCode.BadRequest, "for good", DeleteAsync(""));
        HttpResponseMessage gone = await DeleteAsync($"?confirm={Project}");
        Assert.Equal(HttpStatusCode.OK, gone.StatusCode);
        Assert.Equal(2, (await JsonAsync(gone)).GetProperty("datasets").GetInt32());
        Assert.Empty((await GetAsync()).Versions);
        foreach (string container in BlobLayout.Containers)
        {
            Assert.DoesNotContain(
                await host.Storage.Files.ListAsync(container, "", Cancellation),
                b => b.Name.StartsWith(Project, StringComparison.Ordinal)
            );
        }
    }

    private async Task<RunRecord> RunAsync(string name, string rows)
    {
        await host.DropAsync(Project, name, rows);
        RunRecord run = await host.WaitAsync(Project, r => HasEnded(r) && r.Source == name);
        Assert.True(run.State == RunState.Completed, run.Error);
        return run;
    }

    private Task<RegistryView> GetAsync() =>
        ReadAsync(host.Http.GetAsync($"api/projects/{Project}/adapters", Cancellation));

    private Task<HttpResponseMessage> PostAsync(string path, object? body = null) =>
        host.Http.PostAsJsonAsync($"api/projects/{Project}/{path}", body ?? new { }, Cancellation);

    private Task<HttpResponseMessage> DeleteAsync(string path) =>
        host.Http.DeleteAsync(
            $"api/projects/{Project}{(path.StartsWith('?') || path.Length == 0 ? path : "/" + path)}",
            Cancellation
        );

    private static async Task<RegistryView> ReadAsync(Task<HttpResponseMessage> response)
    {
        HttpResponseMessage answer = await response;
        string body = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, body);
        return ContractJson.Read<RegistryView>(body);
    }

    private static async Task RefusedAsync(HttpStatusCode status, string words, Task<HttpResponseMessage> response)
    {
        HttpResponseMessage answer = await response;
        Assert.Equal(status, answer.StatusCode);
        Assert.Contains(words, (await JsonAsync(answer)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
