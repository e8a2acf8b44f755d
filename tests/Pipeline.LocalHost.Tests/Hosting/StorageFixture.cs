using Pipeline.LocalHost.Processes;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary>The storage emulator alone.</summary>
public sealed class StorageFixture : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("pipeline-storage-").FullName;
    private Azurite? _azurite;

    public PipelineStorage Account { get; private set; } = null!;

    public string ConnectionString => _azurite!.ConnectionString;

    public async ValueTask InitializeAsync()
    {
        _azurite = await Azurite.StartAsync(_data, _ => { }, TestContext.Current.CancellationToken);
        Account = PipelineStorage.FromConnectionString(_azurite.ConnectionString);
        await Account.EnsureCreatedAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _azurite!.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }
}
