using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Triggers;

/// <summary>
/// Looks for new and changed blobs and tells the functions that wait for them. A blob that fails five times is a dead
/// letter until it changes. Triggers whose source is Event Grid are polled too: no events come here. Of several hosts
/// each may tell of a blob before it knows that another has: as in Azure, at least once.
/// </summary>
internal sealed class BlobPoller(
    PipelineStorage storage,
    FunctionCatalog catalog,
    TriggerTable receipts,
    TimeProvider time,
    ILogger<BlobPoller> logger
) : BackgroundService
{
    private const int MaxAttempts = 5;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private readonly Dictionary<string, int> _attempts = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List<(HostedFunction Function, BlobPath Path)> functions =
        [
            .. catalog.TriggeredBy<BlobTriggerAttribute>().Select(f => (f.Function, new BlobPath(f.Trigger.BlobPath))),
        ];
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach ((HostedFunction function, BlobPath path) in functions)
                {
                    await LookAsync(function, path, stoppingToken);
                }
            }
            catch (Exception fault) when (!stoppingToken.IsCancellationRequested)
            {
                Log.StorageAway(logger, fault.Message);
            }

            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    private async Task LookAsync(HostedFunction function, BlobPath path, CancellationToken cancellation)
    {
        BlobContainerClient container = storage.Blobs.GetBlobContainerClient(path.Container);
        await foreach (BlobItem item in container.GetBlobsAsync(cancellationToken: cancellation))
        {
            string etag = item.Properties.ETag.ToString()!;
            string key = $"{path.Container}/{item.Name}";
            if (
                path.Match(item.Name) is { } values
                && !await receipts.WasToldAsync(function.Name, key, etag, cancellation)
                && await TellAsync(function, container, item, values, $"{key}|{etag}", cancellation)
            )
            {
                await receipts.NoteAsync(function.Name, key, etag, cancellation);
            }
        }
    }

    /// <returns>Whether the blob is done with.</returns>
    private async Task<bool> TellAsync(
        HostedFunction function,
        BlobContainerClient container,
        BlobItem item,
        IReadOnlyDictionary<string, string> values,
        string key,
        CancellationToken cancellation
    )
    {
        try
        {
            await using Stream stream = await container
                .GetBlobClient(item.Name)
                .OpenReadAsync(cancellationToken: cancellation);
            await catalog.InvokeAsync(
                function,
                p => p == function.TriggerParameter ? stream : values.GetValueOrDefault(p.Name!),
                cancellation
            );
            return true;
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            int attempt = _attempts[key] = _attempts.GetValueOrDefault(key) + 1;
            Log.TriggerFailed(logger, function.Name, item.Name, attempt, fault.Message);
            if (attempt < MaxAttempts)
            {
                return false;
            }

            string what = $"{container.Name}/{item.Name}";
            await storage.DeadLetters.PutAsync(
                BlobLayout.BlobPoisonQueue,
                what,
                new BinaryData(ContractJson.Write(new { function = function.Name, blob = what })),
                fault.Message,
                time.GetUtcNow(),
                cancellation
            );
            Log.DeadLetter(logger, $"The blob '{container.Name}/{item.Name}'", attempt, fault.Message);
            return true;
        }
    }
}
