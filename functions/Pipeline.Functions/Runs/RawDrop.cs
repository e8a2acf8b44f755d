using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;

namespace Pipeline.Functions.Runs;

/// <summary>
/// A file dropped in <c>raw/{project}/</c> starts a run. In Azure an Event Grid subscription says that it lies there
/// (Flex Consumption polls no container); the embedded host polls.
/// </summary>
public sealed class RawDrop(DropStarter starter)
{
    /// <summary>
    /// The address of the function, as Event Grid calls it:
    /// <c>/runtime/webhooks/blobs?functionName=Host.Functions.RawDrop</c>.
    /// </summary>
    public const string Name = nameof(RawDrop);

    [Function(Name)]
    public Task Run(
        [BlobTrigger("raw/{project}/{name}", Source = BlobTriggerSource.EventGrid)] Stream blob,
        string project,
        string name,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    ) => starter.StartAsync(client, project, name, cancellation);
}
