using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Verdicts over HTTP: what is kept or refused by name, links, limits, and where corrections go.</summary>
[Collection(OneHost.Name)]
public sealed class VerdictTests(HostFixture host)
{
    private const string Learning = "verdicts";
    private const string Quiet = "retraining: { feedbackCount: 0, scheduledMinimum: 100000 }\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Task<HttpResponseMessage> SendAsync(string project, object body) =>
        host.PostAsync($"api/projects/{project}/feedback", body);

    private static async Task<JsonElement> JsonAsync(HttpResponseMessage answer) =>
        await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);

    [Fact]
    public async Task Verdicts_OfAPublishedVersion_AreCheckedKeptAndLearnedByTheNextDrop()
    {
        await host.PutProjectAsync(Learning, HostFixture.QuickYaml + Quiet);
        await host.DropAsync(Learning, "a.csv", HostFixture.Rows(80));
        RunRecord first = await host.WaitAsync(Learning, r => r.State != RunState.Running);
        Assert.Equal(RunState.Completed, first.State);
        AnswerRecord answer = await FirstAnswerAsync();
        string other = answer.Gold == "greeting" ? "number" : "greeting";
        await AssertWhatIsUnknownIsRefusedAsync(answer);

        string ann = await host.KeyAsync(Learning, "ann");
        var correction = new
        {
            answerId = answer.Id,
            score = -1,
            correction = other,
        };
        JsonElement kept = await JsonAsync(await SendWithKeyAsync(Learning, ann, correction));
        string id = kept.GetProperty("id").GetString()!;
        Assert.Equal(
            ("ann", true),
            (kept.GetProperty("reviewer").GetString(), kept.GetProperty("hasKey").GetBoolean())
        );
        JsonElement again = await JsonAsync(await SendWithKeyAsync(Learning, ann, correction));
        Assert.Equal(id, again.GetProperty("id").GetString());
        await SendAsync(
            Learning,
            new
            {
                text = "12 and 13 are what",
                score = -1,
                correction = "number",
            }
        );

        Assert.Equal((2, 1, 1), Counts(await DatasetAsync(Learning)));
        var address = new Uri($"api/projects/{Learning}/feedback/{id}", UriKind.Relative);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.DeleteAsync(address, Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await host.Http.DeleteAsync(address, Cancellation)).StatusCode);
        Assert.Equal((1, 0, 0), Counts(await DatasetAsync(Learning)));

        await SendWithKeyAsync(Learning, ann, correction);
        await AssertTheNextDropLearnsThemAsync();
    }

    private async Task<AnswerRecord> FirstAnswerAsync()
    {
        JsonElement list = await host.Http.GetFromJsonAsync<JsonElement>(
            $"api/projects/{Learning}/adapters/1/answers?take=5",
            Cancellation
        );
        Assert.Equal(5, list.GetProperty("answers").GetArrayLength());
        AnswerRecord answer = ContractJson.Read<AnswerRecord>(list.GetProperty("answers")[0].GetRawText());
        Assert.InRange(answer.Probability!.Value, 0.5, 1);
        Assert.Equal(64, answer.TemplateSha256!.Length);
        return answer;
    }

    private async Task AssertWhatIsUnknownIsRefusedAsync(AnswerRecord answer)
    {
        string text = answer.Text;
        foreach (
            (object body, string words) in ((object, string)[])
                [
                    (new { answerId = "v1-nosuch", score = 1 }, "has given no answer 'v1-nosuch'"),
                    (new { answerId = answer.Id, text = "else" }, "is to another text"),
                    (new { text, adapterVersion = "v9" }, "has no version 'v9'"),
                    (new { text, runId = "no-such-run" }, "has no run 'no-such-run'"),
                    (new { text, correction = "greting" }, "'greting' is no label of 'verdicts': greeting, number"),
                    (new { text, corection = "greeting" }, "corection"),
                    (new { text, ranking = new[] { "a" } }, "'ranking' takes 2 to 10"),
                ]
        )
        {
            HttpResponseMessage refused = await SendAsync(Learning, body);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            string? detail = (await JsonAsync(refused)).GetProperty("detail").GetString();
            Assert.Contains(words, detail, StringComparison.Ordinal);
        }
    }

    private async Task AssertTheNextDropLearnsThemAsync()
    {
        await host.DropAsync(Learning, "b.csv", HostFixture.Rows(90));
        RunRecord second = await host.WaitAsync(Learning, r => r.Source == "b.csv" && r.State != RunState.Running);
        Assert.Equal((RunState.Completed, RunTrigger.Drop), (second.State, second.Trigger));
        DatasetManifest learned = (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(second.DatasetId!, BlobLayout.ManifestFile),
                Cancellation
            )
        )!;
        Assert.Equal((2, 1, 1), Counts(learned));
        RegistryPointer registry = await host.Storage.Registry.GetAsync(Learning, Cancellation);
        Assert.Equal(learned.Corrections!.File, registry.Versions[2].Corrections);
        Assert.NotNull(registry.UsedFeedbackThrough);
    }

    [Fact]
    public async Task Link_ThatWasSigned_OpensAPageThatConfirms()
    {
        const string Project = "linked";
        await host.PutProjectAsync(Project, HostFixture.QuickYaml + Quiet);
        string key = await host.KeyAsync(Project, "ann");
        HttpResponseMessage unknown = await host.PostAsync(
            $"api/projects/{Project}/feedback-links",
            new
            {
                text = "hello there",
                answer = "farewell",
                reviewer = "nobody",
            }
        );
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);

        JsonElement links = await JsonAsync(
            await host.PostAsync(
                $"api/projects/{Project}/feedback-links",
                new
                {
                    text = "hello <b>there</b>",
                    answer = "farewell",
                    reviewer = "ann",
                    hours = 1,
                }
            )
        );
        var down = new Uri(links.GetProperty("down").GetString()!);
        string page = await host.Http.GetStringAsync(down, Cancellation);
        Assert.Contains("hello &lt;b&gt;there&lt;/b&gt;", page, StringComparison.Ordinal);
        Assert.Equal(0, await ItemsAsync(Project)); // opened by a program that follows links: nothing yet

        using var form = new FormUrlEncodedContent(
            new Dictionary<string, string> { ["correction"] = "greeting", ["comment"] = "no farewell" }
        );
        HttpResponseMessage sent = await host.Http.PostAsync(down, form, Cancellation);
        Assert.Contains(
            "Your verdict is kept",
            await sent.Content.ReadAsStringAsync(Cancellation),
            StringComparison.Ordinal
        );
        Assert.Equal(1, await ItemsAsync(Project));
        string changed = await host.Http.GetStringAsync(new Uri(down + "x"), Cancellation);
        Assert.Contains("This link cannot be used", changed, StringComparison.Ordinal);
        await host.KeyAsync(Project, "ann"); // another key: links of before name nobody
        string former = await host.Http.GetStringAsync(down, Cancellation);
        Assert.Contains("This link cannot be used", former, StringComparison.Ordinal);
        Assert.DoesNotContain(key, page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verdicts_BeyondTheDaysLimit_AreRefusedWithTheCount()
    {
        const string Project = "limited";
        await host.PutProjectAsync(Project, HostFixture.QuickYaml + Quiet + "feedback: { reviewerPerDay: 3 }\n");
        string key = await host.KeyAsync(Project, "ann");
        List<HttpResponseMessage> answers = [];
        for (int i = 0; i < 5; i++)
        {
            answers.Add(await SendAsync(Project, new { text = $"text {i}", score = 1 }));
        }

        Assert.Equal(3, answers.Count(a => a.StatusCode == HttpStatusCode.OK));
        HttpResponseMessage refused = answers.First(a => a.StatusCode != HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.StartsWith(
            "Those without a reviewer's key, who count as one, have sent 3 verdicts to 'limited' today",
            (await JsonAsync(refused)).GetProperty("detail").GetString(),
            StringComparison.Ordinal
        );
        HttpResponseMessage named = await SendWithKeyAsync(Project, key, new { text = "text 0", score = 1 });
        Assert.Equal(HttpStatusCode.OK, named.StatusCode); // each reviewer has a limit of their own
    }

    private static (int, int, int) Counts(DatasetManifest manifest) =>
        (manifest.Corrections!.Rows, manifest.Corrections.Named, manifest.Corrections.Replaced);

    private async Task<DatasetManifest> DatasetAsync(string project)
    {
        HttpResponseMessage built = await host.PostAsync($"api/projects/{project}/datasets", new { source = "a.csv" });
        Assert.Equal(HttpStatusCode.OK, built.StatusCode);
        return ContractJson.Read<DatasetManifest>(await built.Content.ReadAsStringAsync(Cancellation));
    }

    private async Task<int> ItemsAsync(string project) =>
        (await host.Http.GetFromJsonAsync<JsonElement>($"api/projects/{project}/agreement", Cancellation))
            .GetProperty("report")
            .GetProperty("items")
            .GetInt32();

    private Task<HttpResponseMessage> SendWithKeyAsync(string project, string key, object body) =>
        host.PostWithKeyAsync($"api/projects/{project}/feedback", key, body);
}
