using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>A host on an account of its own, without a worker but where a test starts one.</summary>
internal sealed class HostBench(EmbeddedHost host, PipelineStorage account, string connection, string data)
    : IAsyncDisposable
{
    private ServeWorker? _worker;
    private bool _gone;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public EmbeddedHost Host => host;

    public PipelineStorage Account => account;

    public HttpClient Http { get; } = new() { BaseAddress = host.Address };

    public static async Task<HostBench> StartAsync(
        StorageFixture storage,
        string start,
        string heartbeat,
        bool worker = false
    )
    {
        string data = Directory.CreateTempSubdirectory("pipeline-job-test-").FullName;
        var settings = new Dictionary<string, string?>
        {
            [StorageAccount.ConnectionSetting] = storage.ConnectionString,
            ["WorkerStartDeadline"] = start,
            ["WorkerHeartbeatDeadline"] = heartbeat,
        };
        EmbeddedHost host = await EmbeddedHost.StartAsync(
            new HostOptions
            {
                DataDirectory = data,
                StartWorker = false,
                LogToConsole = false,
                Settings = settings,
            },
            _ => { },
            Cancellation
        );
        var bench = new HostBench(host, storage.Account, storage.ConnectionString, data);
        if (worker)
        {
            await bench.StartWorkerAsync();
        }

        return bench;
    }

    public Task StartWorkerAsync()
    {
        _worker = ServeWorker.Start(connection);
        return Task.CompletedTask;
    }

    /// <summary>Drops a small file.</summary>
    /// <returns>The run that it starts.</returns>
    public async Task<string> DropAsync(string project)
    {
        await account.PutProjectAsync(project, HostFixture.QuickYaml);
        await account.DropAsync(project, "a.csv", HostFixture.Rows(40));
        while (true)
        {
            if (await account.Runs.ListAsync(project, Cancellation) is [var run, ..])
            {
                return run.RunId;
            }

            await Task.Delay(50, Cancellation);
        }
    }

    public Task<RunRecord> EndAsync(string runId) => UntilAsync(runId, r => r.State != RunState.Running);

    public async Task<RunRecord> UntilAsync(string runId, Func<RunRecord, bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (await account.Runs.GetAsync(runId, limit.Token) is { } run && condition(run))
            {
                return run;
            }

            await Task.Delay(50, limit.Token);
        }
    }

    /// <summary>Calls an HTTP function.</summary>
    /// <returns>Its status, and the error that it names; empty: none.</returns>
    public async Task<(HttpStatusCode Code, string Error)> CallAsync(
        HttpMethod method,
        string path,
        object? body = null
    )
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = body is null ? null : JsonContent.Create(body),
        };
        using HttpResponseMessage response = await Http.SendAsync(request, Cancellation);
        JsonElement json = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        return (
            response.StatusCode,
            json.ValueKind == JsonValueKind.Object && json.TryGetProperty("detail", out JsonElement detail)
                ? detail.GetString() ?? ""
                : ""
        );
    }

    /// <summary>Waits until a queue is empty.</summary>
    public async Task UntilEmptyAsync(string queue)
    {
        while (
            (await Account.Queues.GetQueueClient(queue).GetPropertiesAsync(Cancellation)).Value.ApproximateMessagesCount
            > 0
        )
        {
            await Task.Delay(100, Cancellation);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_gone)
        {
            return;
        }

        _gone = true;
        Http.Dispose();
        if (_worker is not null)
        {
            await _worker.DisposeAsync();
        }

        await host.DisposeAsync();
        Directory.Delete(data, recursive: true);
    }
}
