using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Datasets;
using Pipeline.Functions.Models;
using Pipeline.Functions.Retraining;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Tests.Synthesis;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>
/// One host for the tests that need one: Azurite, SQLite, the real worker process. Its timer fires every two seconds;
/// its datasets are built in parts of a kilobyte.
/// </summary>
public sealed class HostFixture : IAsyncLifetime
{
    private EmbeddedHost? _host;
    private AzureOpenAiServer? _models;

    public string Data { get; } = Directory.CreateTempSubdirectory("pipeline-host-").FullName;
    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromMinutes(2) };
    public PipelineStorage Storage => _host!.Storage;
    public DurableTaskClient Durable => _host!.Durable;

    /// <summary>A project that trains in seconds.</summary>
    public const string QuickYaml = "training: { r: 4, epochs: 1, batchSize: 8, warmupSteps: 1 }\n" + QuickEvaluation;

    /// <summary>An evaluation in seconds, of short rows, which a linear model learns as well.</summary>
    public const string QuickEvaluation =
        "evaluation: { generate: false, bootstrapSamples: 200 }\nvalidation: { maxTokens: 64 }\n"
        + "promotion: { equalToBaseline: champion }\n";

    public async ValueTask InitializeAsync()
    {
        _models = await AzureOpenAiServer.StartAsync();
        _host = await StartAsync(
            Data,
            new Dictionary<string, string?>
            {
                [ModelClients.Endpoint] = _models.Address.ToString(),
                [ModelClients.Key] = "secret-key",
            }
        );
        Http.BaseAddress = _host.Address;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        string queues = Storage.Queues.Uri.Authority;
        await _host!.DisposeAsync();
        await _models!.DisposeAsync();
        Assert.Empty(Children(Data, queues));
        Directory.Delete(Data, recursive: true);
    }

    public static Task<EmbeddedHost> StartAsync(string data, Dictionary<string, string?>? settings = null) =>
        EmbeddedHost.StartAsync(
            new HostOptions
            {
                DataDirectory = data,
                LogToConsole = false,
                Settings = new Dictionary<string, string?>(settings ?? [])
                {
                    ["RetrainingSchedule"] = "*/2 * * * * *",
                    [PlanDataset.PartBytes] = "1000",
                },
            },
            _ => { },
            TestContext.Current.CancellationToken
        );

    /// <summary>
    /// Processes that the host of these tests has started and that still run: the emulator names its folder, the worker
    /// has the emulator's address in its environment. Other hosts run beside it.
    /// </summary>
    private static IReadOnlyList<string> Children(string data, string address) =>
        [
            .. Directory
                .EnumerateDirectories("/proc")
                .Where(d =>
                    ReadOrEmpty(Path.Combine(d, "status"))
                        .Contains($"PPid:\t{Environment.ProcessId}\n", StringComparison.Ordinal)
                )
                .Where(d =>
                    ReadOrEmpty(Path.Combine(d, "cmdline")).Contains(data, StringComparison.Ordinal)
                    || ReadOrEmpty(Path.Combine(d, "environ")).Contains(address, StringComparison.Ordinal)
                )
                .Select(d => ReadOrEmpty(Path.Combine(d, "cmdline"))),
        ];

    /// <summary>Rows that a small model learns quickly: a greeting is one label, a number the other.</summary>
    public static string Rows(int count, string salt = "") =>
        "text,label\n"
        + string.Concat(
            Enumerable
                .Range(0, count)
                .Select(i =>
                    i % 2 == 0
                        ? $"good morning friend {salt}{i},greeting\n"
                        : $"the sum is {salt}{i} and {i * 7},number\n"
                )
        );

    public Task PutProjectAsync(string project, string yaml) => Storage.PutProjectAsync(project, yaml);

    public Task DropAsync(string project, string name, byte[] bytes) =>
        Storage.Files.WriteAsync(BlobLayout.Raw(project, name), bytes, TestContext.Current.CancellationToken);

    public Task DropAsync(string project, string name, string text) => Storage.DropAsync(project, name, text);

    public async Task<HttpResponseMessage> PostAsync(string path, object body) =>
        await Http.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);

    /// <summary>Sends a call with a reviewer's key.</summary>
    public async Task<HttpResponseMessage> PostWithKeyAsync(string path, string key, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        request.Headers.Add(VerdictIntake.ReviewerKeyHeader, key);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Issues a reviewer's key, and waits until it is known everywhere.</summary>
    public async Task<string> KeyAsync(string project, string name)
    {
        HttpResponseMessage issued = await PostAsync($"api/projects/{project}/reviewers", new { name });
        await Task.Delay(TimeSpan.FromSeconds(2.1), TestContext.Current.CancellationToken);
        return (await JsonAsync(issued)).GetProperty("key").GetString()!;
    }

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);

    public static bool HasEnded(RunRecord run) => run.State != RunState.Running;

    /// <summary>Waits until a run of a project meets a condition.</summary>
    public async Task<RunRecord> WaitAsync(string project, Func<RunRecord, bool> until)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            IReadOnlyList<RunRecord> runs = await Storage.Runs.ListAsync(
                project,
                TestContext.Current.CancellationToken
            );
            if (runs.FirstOrDefault(until) is { } run)
            {
                return run;
            }

            Assert.True(
                Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(120),
                "waited in vain; the runs are "
                    + string.Join("; ", runs.Select(r => $"{r.RunId} {r.State} {r.Stage} {r.Error}"))
            );
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return ""; // the process has ended
        }
    }
}
