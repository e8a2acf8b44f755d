using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>Tests that each have an account and a host of their own, and no worker.</summary>
public abstract class OwnBench : IAsyncLifetime
{
    private readonly StorageFixture _storage = new();

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private protected HostBench Bench { get; private set; } = null!;

    private protected PipelineStorage Account => _storage.Account;

    /// <summary>The account's connection string.</summary>
    private protected string Storage => _storage.ConnectionString;

    public async ValueTask InitializeAsync()
    {
        await _storage.InitializeAsync();
        Bench = await HostBench.StartAsync(_storage, start: "01:00:00", heartbeat: "01:00:00");
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Bench.DisposeAsync();
        await _storage.DisposeAsync();
    }
}
