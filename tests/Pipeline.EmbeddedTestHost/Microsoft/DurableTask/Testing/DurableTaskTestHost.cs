using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Pipeline.LocalHost.Durable;

namespace Microsoft.DurableTask.Testing;

/// <summary>The embedded engine behind the face of the official in-process test host (durabletask-dotnet, src/InProcessTestHost/DurableTaskTestHost.cs).</summary>
public sealed class DurableTaskTestHost : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pipeline-conformance-");
    private readonly HistoryStore _store;
    private readonly OrchestrationEngine _engine;

    private DurableTaskTestHost(DurableTaskRegistry registry, ILoggerFactory loggers)
    {
        _store = new HistoryStore(Path.Combine(_folder.FullName, "orchestrations.db"));
        _engine = new OrchestrationEngine(_store, registry.Functions(), TimeProvider.System, loggers.CreateLogger<OrchestrationEngine>());
        Client = new EmbeddedDurableTaskClient(_store, _engine, TimeProvider.System);
        _engine.Start();
    }

    /// <summary>Starts and asks orchestrations.</summary>
    public DurableTaskClient Client { get; }

    /// <summary>Starts a host on a history of its own.</summary>
    public static Task<DurableTaskTestHost> StartAsync(Action<DurableTaskRegistry> registry, DurableTaskTestHostOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(registry);
        cancellationToken.ThrowIfCancellationRequested();
        var functions = new DurableTaskRegistry();
        registry(functions);
        return Task.FromResult(new DurableTaskTestHost(functions, options?.LoggerFactory ?? NullLoggerFactory.Instance));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _store.Dispose();
        _folder.Delete(recursive: true);
    }
}

/// <summary>How the host runs.</summary>
public class DurableTaskTestHostOptions
{
    /// <summary>Told what happens; <c>null</c>: nobody is.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }
}
