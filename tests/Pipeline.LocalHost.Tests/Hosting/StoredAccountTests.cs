using System.IO.Compression;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Functions.Adapters;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// A data folder that the version before has left (tests/Golden/stored-account): its runs are listed, shown, resumed
/// and promoted, what was in flight ends, and the same drops still are the same runs.
/// </summary>
[Trait("Tier", "Slow")]
[Collection("one at a time")]
public sealed class StoredAccountTests : IAsyncLifetime
{
    private const string First = "kept-558e4ce72f-968284";
    private const string Second = "kept-3882c29d2a-c3260d";
    private const string Cancelled = "kept-5aa90f2469-e34587";
    private const string InFlight = "flight-558e4ce72f-e34587";

    /// <summary>Of the first run, as it was registered then.</summary>
    private const string FirstYaml = """
        task: classification
        training: { r: 2, alpha: 4, targets: [q_proj, v_proj], epochs: 1, batchSize: 8, learningRate: 0.00001, warmupSteps: 1, checkpointSteps: 5 }
        evaluation: { generate: false, bootstrapSamples: 200 }
        validation: { maxTokens: 64 }
        split: { test: 0.3 }
        promotion: { minimumGain: -0.9 }

        """;

    private readonly string _data = Directory.CreateTempSubdirectory("pipeline-stored-").FullName;
    private EmbeddedHost _host = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await ZipFile.ExtractToDirectoryAsync(
            RepositoryFiles.At("tests", "Golden", "stored-account", "account.zip"),
            _data,
            Cancellation
        );
        _host = await EmbeddedHost.StartAsync(
            new HostOptions { DataDirectory = _data, LogToConsole = false },
            _ => { },
            Cancellation
        );
        _http = new HttpClient { BaseAddress = _host.Address, Timeout = TimeSpan.FromMinutes(2) };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task AccountOfTheVersionBefore_IsListedShownResumedAndPromoted()
    {
        await EndAsync(InFlight);
        await ShowAsync(First, "v1 is the champion: proven better than the base");
        await ShowAsync(Second, "v2 is published, not promoted: v1 stays");
        Assert.Equal([InFlight, Cancelled, Second, First], (await ListAsync()).Select(r => r.RunId));

        // In flight when the other version was stopped: it goes on from its checkpoint.
        await CompletedFromCheckpointAsync(InFlight, checkpointSteps: 5);

        RunRecord cancelled = (await _host.Storage.Runs.GetAsync(Cancelled, Cancellation))!;
        Assert.Equal((RunState.Cancelled, 3), (cancelled.State, cancelled.Version));
        int before = (await _host.Storage.ReadStepsAsync(Cancelled)).Max();
        HttpResponseMessage resumed = await _http.PostAsync($"api/runs/{Cancelled}/resume", null, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, resumed.StatusCode);
        await EndAsync(Cancelled);
        await CompletedFromCheckpointAsync(Cancelled, checkpointSteps: 5);
        Assert.InRange(before, 5, 200);
        RegistryPointer registry = await _host.Storage.Registry.GetAsync("kept", Cancellation);
        Assert.Equal((1, "1 2 3"), (registry.Champion, string.Join(' ', registry.Published.Order())));
        await ShowAsync(Cancelled, "V3 is no better than a simple model that needs no GPU: V1 stays. A linear model");
        HttpResponseMessage promoted = await _http.PostAsync(
            "api/projects/kept/adapters/3/promote",
            null,
            Cancellation
        );
        Assert.Equal(HttpStatusCode.OK, promoted.StatusCode);
        RegistryView view = ContractJson.Read<RegistryView>(await promoted.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(
            [(1, VersionState.Retired), (2, VersionState.Candidate), (3, VersionState.Champion)],
            view.Versions.Select(v => (v.Version, v.State))
        );

        // The ids are made of what was dropped and registered, as the version before wrote it.
        Assert.Equal((Cancelled, false), await StartAsync("c.csv"));
        await _host.Storage.PutProjectAsync("kept", FirstYaml);
        Assert.Equal((First, false), await StartAsync("a.csv"));
        Assert.Equal(4, (await ListAsync()).Count);
    }

    /// <summary>Waits until a run has ended.</summary>
    private async Task EndAsync(string runId)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromMinutes(3));
        while ((await _host.Storage.Runs.GetAsync(runId, limit.Token))!.State == RunState.Running)
        {
            await Task.Delay(100, limit.Token);
        }
    }

    /// <summary>A completed run's pages and files are given out.</summary>
    private async Task ShowAsync(string runId, string promotion)
    {
        JsonElement shown = await _http.GetFromJsonAsync<JsonElement>($"api/runs/{runId}", Cancellation);
        Assert.StartsWith(
            promotion,
            shown.GetProperty("run").GetProperty("promotion").GetString(),
            StringComparison.Ordinal
        );
        Assert.True(shown.GetProperty("rows").GetProperty("accepted").GetInt32() >= 120);
        Assert.Equal(JsonValueKind.Object, shown.GetProperty("progress").ValueKind);
        foreach (
            (string page, string content) in new[] { ("audit", "tokens"), ("report", "accuracy"), ("curve", "<svg") }
        )
        {
            Assert.Contains(
                content,
                await _http.GetStringAsync($"api/runs/{runId}/{page}", Cancellation),
                StringComparison.OrdinalIgnoreCase
            );
        }

        Assert.Equal("", await _http.GetStringAsync($"api/runs/{runId}/rejected", Cancellation));
    }

    private async Task CompletedFromCheckpointAsync(string runId, int checkpointSteps)
    {
        RunRecord run = (await _host.Storage.Runs.GetAsync(runId, Cancellation))!;
        Assert.Equal((RunState.Completed, null), (run.State, run.Error));
        IReadOnlyList<int> steps = await _host.Storage.ReadStepsAsync(runId);
        Assert.Equal(Enumerable.Range(1, steps.Max()), steps.Distinct().Order());
        Assert.InRange(steps.Count - steps.Distinct().Count(), 0, checkpointSteps);
    }

    private async Task<(string? RunId, bool Started)> StartAsync(string source)
    {
        HttpResponseMessage answer = await _http.PostAsJsonAsync(
            "api/projects/kept/runs",
            new { source },
            Cancellation
        );
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        JsonElement body = await answer.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        return (body.GetProperty("runId").GetString(), body.GetProperty("started").GetBoolean());
    }

    private async Task<IReadOnlyList<RunRecord>> ListAsync() =>
        ContractJson.Read<List<RunRecord>>(
            Encoding.UTF8.GetBytes(await _http.GetStringAsync("api/runs", Cancellation))
        );
}
