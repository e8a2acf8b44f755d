using Microsoft.Extensions.Hosting;
using Pipeline.Storage;

namespace Pipeline.Functions;

/// <summary>
/// Creates containers, queues and tables where they are missing, before the first function is called: an empty account
/// is one to start with.
/// </summary>
internal sealed class StorageSetup(PipelineStorage storage) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => storage.EnsureCreatedAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
