using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Pipeline.LocalHost.Durable;

namespace Pipeline.LocalHost.Tests.Durable;

/// <summary>An engine on a history of its own; opened again on the same history it goes on.</summary>
internal sealed class TestEngine : IAsyncDisposable
{
    private readonly HistoryStore _store;
    private readonly OrchestrationEngine _engine;

    public TestEngine(string path, TestFunctions functions)
    {
        _store = new HistoryStore(path);
        _engine = new OrchestrationEngine(_store, functions, TimeProvider.System, NullLogger<OrchestrationEngine>.Instance);
        Client = new EmbeddedDurableTaskClient(_store, _engine, TimeProvider.System);
        _engine.Start();
    }

    public EmbeddedDurableTaskClient Client { get; }

    public HistoryStore Store => _store;

    public async Task<OrchestrationMetadata> RunAsync(string name, object? input = null, string? instanceId = null)
    {
        string id = await Client.ScheduleNewOrchestrationInstanceAsync(name, input, new StartOrchestrationOptions(instanceId), TestContext.Current.CancellationToken);
        return await WaitAsync(id);
    }

    public async Task<OrchestrationMetadata> WaitAsync(string id)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        return await Client.WaitForInstanceCompletionAsync(id, true, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _store.Dispose();
    }
}
