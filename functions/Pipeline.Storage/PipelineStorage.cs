using Azure.Core;
using Azure.Data.Tables;
using Azure.Identity;
using Azure.Storage.Blobs;
using Azure.Storage.Queues;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>One storage account.</summary>
public sealed class PipelineStorage
{
    private PipelineStorage(
        BlobServiceClient blobs,
        Func<QueueClientOptions, QueueServiceClient> queues,
        TableServiceClient tables
    )
    {
        // Dead letters are read as they lie there: one of them may be no base64.
        QueueServiceClient asTheyAre = queues(new QueueClientOptions());
        var options = new QueueClientOptions { MessageEncoding = QueueMessageEncoding.Base64 };
        options.MessageDecodingFailed += RefuseAsync;
        (Blobs, Queues, Tables) = (blobs, queues(options), tables);
        Files = new BlobFiles(blobs);
        Runs = new RunTable(tables.GetTableClient(BlobLayout.RunsTable));
        DeadLetters = new DeadLetterStore(
            tables.GetTableClient(BlobLayout.DeadLettersTable),
            new QueueMessages(asTheyAre)
        );
        Registry = new RegistryStore(Files);
        Messages = new QueueMessages(Queues);
    }

    /// <summary>The account's blobs, for triggers.</summary>
    public BlobServiceClient Blobs { get; }

    /// <summary>The account's queues, for triggers.</summary>
    public QueueServiceClient Queues { get; }

    /// <summary>The account's tables, for triggers.</summary>
    public TableServiceClient Tables { get; }

    /// <summary>Blobs by the names of <see cref="BlobLayout"/>.</summary>
    public BlobFiles Files { get; }

    /// <summary>The table of runs.</summary>
    public RunTable Runs { get; }

    /// <summary>What nobody could work with.</summary>
    public DeadLetterStore DeadLetters { get; }

    /// <summary>Champion pointers and versions.</summary>
    public RegistryStore Registry { get; }

    /// <summary>Queue messages.</summary>
    public QueueMessages Messages { get; }

    /// <summary>
    /// A message that is not base64 becomes a dead letter at once, by itself: without this the whole batch that it came
    /// in would fail, for ever.
    /// </summary>
    private async Task RefuseAsync(QueueMessageDecodingFailedEventArgs refused)
    {
        if (refused.ReceivedMessage is not { } message)
        {
            return; // only looked at
        }

        await DeadLetters
            .PutAsIsAsync(
                BlobLayout.PoisonOf(refused.Queue.Name),
                $"message {message.MessageId}",
                message.Body,
                "It is not base64, in which messages are written: whoever sent it is not this system.",
                DateTimeOffset.UtcNow,
                refused.CancellationToken
            )
            .ConfigureAwait(false);
        await refused
            .Queue.DeleteMessageAsync(message.MessageId, message.PopReceipt, refused.CancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Connects with a connection string.</summary>
    public static PipelineStorage FromConnectionString(string connection)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connection);
        return new PipelineStorage(
            new BlobServiceClient(connection),
            options => new QueueServiceClient(connection, options),
            new TableServiceClient(connection)
        );
    }

    /// <summary>Connects to an account with the machine's identity.</summary>
    /// <param name="accountName">The account's name.</param>
    public static PipelineStorage FromAccount(string accountName)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(accountName);
        TokenCredential identity = new DefaultAzureCredential();
        Uri EndpointOf(string service) => new($"https://{accountName}.{service}.core.windows.net");
        return new PipelineStorage(
            new BlobServiceClient(EndpointOf("blob"), identity),
            options => new QueueServiceClient(EndpointOf("queue"), identity, options),
            new TableServiceClient(EndpointOf("table"), identity)
        );
    }

    /// <summary>Connects as the settings say.</summary>
    /// <param name="setting">Looks a setting up by its name.</param>
    /// <exception cref="StorageSettingsException">Neither setting is there.</exception>
    public static PipelineStorage FromSettings(Func<string, string?> setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return setting("AzureWebJobsStorage") is { Length: > 0 } connection ? FromConnectionString(connection)
            : setting("AzureWebJobsStorage__accountName") is { Length: > 0 } account ? FromAccount(account)
            : throw new StorageSettingsException(
                "Neither AzureWebJobsStorage (a connection string) nor AzureWebJobsStorage__accountName is set."
            );
    }

    /// <summary>Creates containers, queues and the table where they are missing.</summary>
    public async Task EnsureCreatedAsync(CancellationToken cancellation)
    {
        foreach (string container in BlobLayout.Containers)
        {
            await Blobs
                .GetBlobContainerClient(container)
                .CreateIfNotExistsAsync(cancellationToken: cancellation)
                .ConfigureAwait(false);
        }

        foreach (string queue in BlobLayout.Queues)
        {
            await Queues
                .GetQueueClient(queue)
                .CreateIfNotExistsAsync(cancellationToken: cancellation)
                .ConfigureAwait(false);
        }

        await Runs.EnsureCreatedAsync(cancellation).ConfigureAwait(false);
        await DeadLetters.EnsureCreatedAsync(cancellation).ConfigureAwait(false);
    }
}
