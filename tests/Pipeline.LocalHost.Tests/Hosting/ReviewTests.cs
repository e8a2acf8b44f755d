using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>A project that begins with texts alone: people answer them in the queue, and the run goes on.</summary>
[Collection(OneHost.Name)]
public sealed class ReviewTests(HostFixture host)
{
    private const string Project = "reviewing";
    private const string Review = "review: { unlabelled: true, rows: 40, overlap: 0 }\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Texts_WithoutAnswers_WaitForPeopleAndAreLearned()
    {
        await host.PutProjectAsync(Project, HostFixture.QuickYaml + Review + Rules("it greets"));
        await host.DropAsync(Project, "texts.csv", Texts(90));
        RunRecord waiting = await host.WaitAsync(Project, r => r.State != RunState.Running);
        Assert.Equal(RunState.NeedsLabels, waiting.State);
        Assert.StartsWith("0 of 40 texts have an answer", waiting.Error, StringComparison.Ordinal);
        string ann = await host.KeyAsync(Project, "ann");
        string ben = await host.KeyAsync(Project, "ben");

        await AssertLeasesAreOneReviewersAsync(ann, ben);
        await AssertWhatIsWrongIsRefusedAsync(ann);
        await AnswerAsync(ann, 20);
        await AnswerAsync(ben, 40);

        RunRecord end = await host.WaitAsync(Project, r => r.State is RunState.Completed or RunState.Failed);
        Assert.Equal((RunState.Completed, null), (end.State, end.Error));
        DatasetManifest learned = (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(end.DatasetId!, BlobLayout.ManifestFile),
                Cancellation
            )
        )!;
        Assert.Equal((40, end.FeedbackBatch), (learned.Corrections!.Named, learned.Corrections.File));
        Assert.Equal(1, learned.Reasons["disapproved"]);
        Assert.Equal(49, learned.Reasons["missing_label"]);
        await AssertAChangedRuleIsFoundAsync();
    }

    private async Task AssertLeasesAreOneReviewersAsync(string ann, string ben)
    {
        HttpResponseMessage nobody = await host.PostAsync($"api/projects/{Project}/queue/leases", new { take = 1 });
        Assert.Equal(HttpStatusCode.BadRequest, nobody.StatusCode);
        Assert.Contains("X-Reviewer-Key", await DetailAsync(nobody), StringComparison.Ordinal);

        ReviewItem[] hers = await LeaseAsync(ann, 5);
        ReviewItem[] his = await LeaseAsync(ben, 5);
        Assert.Equal((5, 5), (hers.Length, his.Length));
        Assert.Empty(hers.Select(i => i.Id).Intersect(his.Select(i => i.Id)));
        Assert.All(hers, i => Assert.Equal(("ann", ReviewKind.Unlabelled, null), (i.LeasedTo, i.Kind, i.Proposed)));
        Assert.Equal(hers.Select(i => i.Id), (await LeaseAsync(ann, 5)).Select(i => i.Id));

        HttpResponseMessage taken = await DecideAsync(ben, hers[0].Id, new { decision = "edit", answer = "greeting" });
        Assert.Equal(HttpStatusCode.Conflict, taken.StatusCode);
        Assert.StartsWith("'ann' has item", await DetailAsync(taken), StringComparison.Ordinal);

        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(ann, hers[0].Id, new { decision = "reject" })).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(ann, hers[1].Id, new { decision = "skip" })).StatusCode);
        string[] next = [.. (await LeaseAsync(ann, 10)).Select(i => i.Id)];
        Assert.DoesNotContain(hers[0].Id, next);
        Assert.DoesNotContain(hers[1].Id, next);
        Assert.Contains(hers[1].Id, (await LeaseAsync(ben, 50)).Select(i => i.Id));
    }

    private async Task AssertWhatIsWrongIsRefusedAsync(string ann)
    {
        var ruled = new
        {
            text = "good evening",
            correction = "greeting",
            rule = "R1",
        };
        HttpResponseMessage without = await host.PostAsync($"api/projects/{Project}/feedback", ruled);
        Assert.Contains("'rule' needs a reviewer's key", await DetailAsync(without), StringComparison.Ordinal);
        string id = (await LeaseAsync(ann, 1))[0].Id;
        foreach (
            (string item, object body, string words) in ((string, object, string)[])
                [
                    (id, new { decision = "accept" }, "proposes no answer to accept"),
                    (id, new { decision = "edit" }, "needs the right 'answer'"),
                    (
                        id,
                        new
                        {
                            decision = "edit",
                            answer = "hello",
                            rule = "R9",
                        },
                        "has no rule 'R9': R1, R2"
                    ),
                    (id, new { decision = "reject", answer = "greeting" }, "'reject' takes no 'answer'"),
                    (id, new { decision = "edit", spans = Array.Empty<object>() }, "spans are answers of extraction"),
                    (id, new { decision = "sure" }, "$.decision"),
                    (id, new { answer = "greeting" }, "decision"),
                    ("0123456789abcdef", new { decision = "reject" }, "has no item"),
                ]
        )
        {
            HttpResponseMessage refused = await DecideAsync(ann, item, body);
            Assert.False(refused.IsSuccessStatusCode, words);
            Assert.Contains(words, await DetailAsync(refused), StringComparison.Ordinal);
        }
    }

    /// <summary>A rule that reads otherwise puts what was answered under it into the queue again.</summary>
    private async Task AssertAChangedRuleIsFoundAsync()
    {
        using var yaml = new StringContent(HostFixture.QuickYaml + Review + Rules("it greets, and nothing else"));
        HttpResponseMessage put = await host.Http.PutAsync(
            new Uri($"api/projects/{Project}", UriKind.Relative),
            yaml,
            Cancellation
        );
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        await Task.Delay(TimeSpan.FromSeconds(2.1), Cancellation);

        JsonElement book = await host.Http.GetFromJsonAsync<JsonElement>(
            $"api/projects/{Project}/codebook",
            Cancellation
        );
        Assert.Equal(2, book.GetProperty("version").GetInt32());
        int outdated = book.GetProperty("outdated").GetArrayLength();
        Assert.InRange(outdated, 10, 30);
        JsonElement queue = await host.Http.GetFromJsonAsync<JsonElement>(
            $"api/projects/{Project}/queue?kind=changed-rule&take=100",
            Cancellation
        );
        Assert.Equal(outdated, queue.GetProperty("items").GetArrayLength());
        Assert.Equal(outdated, queue.GetProperty("counts").GetProperty("changed-rule").GetInt32());
    }

    private static string Rules(string first) =>
        $"rules: [{{ id: R1, definition: '{first}', label: greeting }}, {{ id: R2, definition: a sum }}]\n";

    /// <summary>The texts of <see cref="HostFixture.Rows"/>, without their labels.</summary>
    private static string Texts(int count) =>
        string.Join('\n', HostFixture.Rows(count).Split('\n').Select(l => l[..Math.Max(0, l.LastIndexOf(','))]));

    private async Task AnswerAsync(string key, int until)
    {
        while (await AnsweredAsync() < until)
        {
            foreach (ReviewItem item in await LeaseAsync(key, 5))
            {
                bool greets = item.Text.StartsWith("good", StringComparison.Ordinal);
                HttpResponseMessage decided = await DecideAsync(
                    key,
                    item.Id,
                    new
                    {
                        decision = "edit",
                        answer = greets ? "greeting" : "number",
                        rule = greets ? "R1" : "R2",
                    }
                );
                Assert.Equal(HttpStatusCode.OK, decided.StatusCode);
                if (await AnsweredAsync() >= until)
                {
                    return;
                }
            }
        }
    }

    /// <summary>Texts with an answer; one is taken out.</summary>
    private async Task<int> AnsweredAsync() =>
        (await host.Http.GetFromJsonAsync<JsonElement>($"api/projects/{Project}/queue", Cancellation))
            .GetProperty("answered")
            .GetInt32() - 1;

    private async Task<ReviewItem[]> LeaseAsync(string key, int take)
    {
        HttpResponseMessage answer = await host.PostWithKeyAsync(
            $"api/projects/{Project}/queue/leases",
            key,
            new { take }
        );
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        JsonElement items = (await HostFixture.JsonAsync(answer)).GetProperty("items");
        return ContractJson.Read<ReviewItem[]>(items.GetRawText());
    }

    private Task<HttpResponseMessage> DecideAsync(string key, string item, object body) =>
        host.PostWithKeyAsync($"api/projects/{Project}/queue/{item}", key, body);

    private static async Task<string> DetailAsync(HttpResponseMessage answer) =>
        (await HostFixture.JsonAsync(answer)).GetProperty("detail").GetString()!;
}
