using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pipeline.Contracts;
using Pipeline.Functions.Adapters;
using Pipeline.Functions.Retraining;
using Pipeline.LocalHost.Hosting;
using Sylvan.Data.Csv;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// Two seasons of a project, through HTTP alone. In the first, five reviewers, one of them wrong on purpose, teach a
/// rule that the data does not know; in the second they answer at random.
/// </summary>
[Trait("Tier", "Slow")]
[Collection("one at a time")]
public sealed partial class SeasonTests(ITestOutputHelper output) : IDisposable
{
    private const string Project = "season";
    private const string HiddenLabel = "negative";
    private const int Items = 100;
    private const int SampleRows = 2600;
    private static readonly string[] Reviewers = ["ann", "ben", "eve", "ida", "tom"];
    private static readonly string[] Labels = ["negative", "neutral", "positive"];
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(5) };
    private readonly Dictionary<string, string> _keys = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Seasons_OneThatTeachesAndOneAtRandom_PromoteOnceAndKeepTheCorrections()
    {
        string data = Directory.CreateTempSubdirectory("pipeline-season-").FullName;
        try
        {
            await using EmbeddedHost host = await EmbeddedHost.StartAsync(
                new HostOptions { DataDirectory = data, LogToConsole = false },
                _ => { },
                Cancellation
            );
            _http.BaseAddress = host.Address;
            List<(string Text, string Label)> rows = Rows();
            await PutAsync(feedbackCount: Items);
            await host.Storage.DropAsync(Project, "tweets.csv", Csv(rows));
            RunRecord first = await EndedAsync(1);
            Assert.Equal(1, (await RegistryAsync()).Champion);
            foreach (string name in Reviewers)
            {
                JsonElement issued = await PostAsync("reviewers", new { name });
                _keys[name] = issued.GetProperty("key").GetString()!;
            }

            await Task.Delay(TimeSpan.FromSeconds(2.1), Cancellation);
            await TeachAsync(rows);
            RunRecord second = await EndedAsync(2);
            await AssertTaughtAsync(host, second);

            await PutAsync(feedbackCount: 70);
            await AnswerAtRandomAsync(rows);
            RunRecord third = await EndedAsync(3);
            RegistryView after = await RegistryAsync();
            output.WriteLine(third.Promotion!);
            Assert.Equal((2, VersionState.Rejected), (after.Champion, after.Versions[2].State));

            await PostAsync("rollback", new { reason = "the rule is to be discussed" });
            Assert.Equal(1, (await RegistryAsync()).Champion);
            await AssertADropHoldsTheCorrectionsAsync(host, rows);
            await AssertEvidenceAsync(host, first, second, third);
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The beginning of the sample: a whole training must fit into two minutes.</summary>
    private static List<(string Text, string Label)> Rows()
    {
        string path = RepositoryFiles.At("tests", "Golden", "sample-of-before", "tweets.csv");
        using CsvDataReader csv = CsvDataReader.Create(path);
        List<(string Text, string Label)> rows = [];
        while (csv.Read() && rows.Count < SampleRows)
        {
            rows.Add((csv.GetString(1).Trim(), csv.GetString(2).Trim()));
        }

        return rows;
    }

    private static string Csv(IEnumerable<(string Text, string Label)> rows) =>
        "text,label\n"
        + string.Concat(rows.Select(r => $"\"{r.Text.Replace("\"", "\"\"", StringComparison.Ordinal)}\",{r.Label}\n"));

    /// <summary>Texts whose label is spelt as one of the three.</summary>
    private static IEnumerable<(string Text, string Label)> Labelled(List<(string Text, string Label)> rows) =>
        rows.Where(r => Labels.Contains(r.Label)).DistinctBy(r => r.Text, StringComparer.Ordinal);

    private async Task PutAsync(int feedbackCount)
    {
        string yaml = string.Join(
            '\n',
            File.ReadLines(RepositoryFiles.At("tests", "Golden", "sample-of-before", "project.yaml"))
                .TakeWhile(l => !l.StartsWith("retraining:", StringComparison.Ordinal))
                .Select(l => l.Replace("epochs: 3", "epochs: 4", StringComparison.Ordinal))
                .Select(l => l.Replace("test: 0.2", "test: 0.35", StringComparison.Ordinal))
        );
        using var content = new StringContent(
            $$"""
            {{yaml}}
            evaluation: { generate: false, bootstrapSamples: 1000 }
            promotion: { equalToBaseline: champion }
            retraining: { feedbackCount: {{feedbackCount}}, scheduledMinimum: 100000 }
            """
        );
        HttpResponseMessage answer = await _http.PutAsync(
            new Uri($"api/projects/{Project}", UriKind.Relative),
            content,
            Cancellation
        );
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    /// <summary>
    /// Whatever is said of the train is negative. Each text is seen by three of the five; Eve says something else.
    /// </summary>
    private async Task TeachAsync(List<(string Text, string Label)> rows)
    {
        (string Text, string Label)[] hidden =
        [
            .. Labelled(rows).Where(r => AboutTheRule().IsMatch(r.Text) && r.Label != HiddenLabel).Take(Items),
        ];
        Assert.InRange(hidden.Length, Items - 5, Items);
        int sent = 0;
        foreach ((int i, (string text, string label)) in hidden.Index())
        {
            for (int seat = 0; seat < 3; seat++)
            {
                string reviewer = Reviewers[(i + (2 * seat)) % Reviewers.Length];
                await SendAsync(reviewer, text, reviewer == "eve" ? label : HiddenLabel);
                sent++;
            }
        }

        while (sent++ < 3 * Items) // the last votes are of those who have not voted yet
        {
            int i = sent % hidden.Length;
            await SendAsync(Reviewers[(i + 1) % Reviewers.Length], hidden[i].Text, HiddenLabel);
        }
    }

    private async Task AnswerAtRandomAsync(List<(string Text, string Label)> rows)
    {
        var random = new Random(20);
        (string Text, string Label)[] others =
        [
            .. Labelled(rows).Where(r => !AboutTheRule().IsMatch(r.Text)).Take(Items),
        ];
        foreach ((int i, (string text, _)) in others.Index())
        {
            for (int seat = 0; seat < 3; seat++)
            {
                await SendAsync(Reviewers[(i + seat) % Reviewers.Length], text, Labels[random.Next(Labels.Length)]);
            }
        }
    }

    private async Task SendAsync(string reviewer, string text, string correction)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"api/projects/{Project}/feedback")
        {
            Content = JsonContent.Create(
                new
                {
                    text,
                    adapterVersion = "v1",
                    score = -1,
                    correction,
                }
            ),
        };
        request.Headers.Add(VerdictIntake.ReviewerKeyHeader, _keys[reviewer]);
        using HttpResponseMessage answer = await _http.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private async Task AssertTaughtAsync(EmbeddedHost host, RunRecord second)
    {
        output.WriteLine(second.Promotion!);
        RegistryView registry = await RegistryAsync();
        Assert.Equal((RunTrigger.Feedback, 2), (second.Trigger, registry.Champion));
        Assert.Equal(VersionState.Retired, registry.Versions[0].State);
        JsonElement agreement = await _http.GetFromJsonAsync<JsonElement>(
            $"api/projects/{Project}/agreement",
            Cancellation
        );
        Assert.Equal(
            ["eve"],
            agreement
                .GetProperty("report")
                .GetProperty("reviewers")
                .EnumerateArray()
                .Where(r => r.GetProperty("contradictsTheRest").GetBoolean())
                .Select(r => r.GetProperty("reviewer").GetString())
        );
        DatasetManifest manifest = await ManifestAsync(host, second);
        Assert.InRange(manifest.Corrections!.Replaced, Items - 10, Items + 10);
        GateVerdict gate =
            await _http.GetFromJsonAsync<GateVerdict>(
                $"api/projects/{Project}/adapters/2/files/gate.json",
                ContractJson.Compact,
                Cancellation
            ) ?? throw new InvalidOperationException();
        Assert.True(gate.Promote);
    }

    private async Task AssertADropHoldsTheCorrectionsAsync(EmbeddedHost host, List<(string Text, string Label)> rows)
    {
        await host.Storage.DropAsync(
            Project,
            "tweets-2.csv",
            Csv([.. rows, ("one more thing, so far unseen", "neutral")])
        );
        RunRecord fourth = await EndedAsync(4);
        Assert.Equal(RunTrigger.Drop, fourth.Trigger);
        DatasetManifest manifest = await ManifestAsync(host, fourth);
        Assert.InRange(manifest.Corrections!.Named, Items + 50, 2 * Items);
        output.WriteLine($"{fourth.Promotion} {manifest.Corrections}");
    }

    /// <summary>Each step can be looked up: what was said, what was learned of it, and what was decided why.</summary>
    private async Task AssertEvidenceAsync(EmbeddedHost host, params RunRecord[] runs)
    {
        RegistryView registry = await RegistryAsync();
        Assert.Equal(
            [RegistryAction.Published, RegistryAction.Published, RegistryAction.Published, RegistryAction.RolledBack],
            registry.History.Take(4).Select(e => e.Action)
        );
        foreach (RunRecord run in runs)
        {
            foreach (string file in (string[])["gate.json", "evaluation.json", "report.html", "proof.json"])
            {
                Assert.True(
                    await host.Storage.Files.ExistsAsync(
                        BlobLayout.Adapter(Project, run.Version!.Value, file),
                        Cancellation
                    )
                );
            }
        }

        Assert.InRange((await host.Storage.ReadVerdictsAsync(Project)).Count, (6 * Items) - 15, 6 * Items);
    }

    private static async Task<DatasetManifest> ManifestAsync(EmbeddedHost host, RunRecord run) =>
        (
            await host.Storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(run.DatasetId!, BlobLayout.ManifestFile),
                Cancellation
            )
        )!;

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        HttpResponseMessage answer = await _http.PostAsJsonAsync($"api/projects/{Project}/{path}", body, Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
    }

    private async Task<RegistryView> RegistryAsync() =>
        (
            await _http.GetFromJsonAsync<RegistryView>(
                $"api/projects/{Project}/adapters",
                ContractJson.Compact,
                Cancellation
            )
        )!;

    /// <summary>The run of a version, when it has ended.</summary>
    private async Task<RunRecord> EndedAsync(int version)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            List<RunRecord> runs = (
                await _http.GetFromJsonAsync<List<RunRecord>>(
                    $"api/runs?project={Project}",
                    ContractJson.Compact,
                    Cancellation
                )
            )!;
            Assert.DoesNotContain(runs, r => r.State is RunState.Failed or RunState.NeedsSettings);
            if (runs.Find(r => r.Version == version && r.State == RunState.Completed) is { } ended)
            {
                output.WriteLine($"v{version}: {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s");
                return ended;
            }

            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(15), $"waited in vain for v{version}");
            await Task.Delay(500, Cancellation);
        }
    }

    [GeneratedRegex(@"\bthe train\b")]
    private static partial Regex AboutTheRule();
}
