using Azure;
using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>Contracts as queue messages, in base64 as Azure Functions reads them.</summary>
public sealed class QueueMessages(QueueServiceClient service)
{
    internal const int MaxAtATime = 32; // the service's limit

    /// <summary>Sends a message.</summary>
    /// <returns>What it can be taken back by until somebody has taken it.</returns>
    public async Task<SentMessage> SendAsync<T>(string queue, T message, CancellationToken cancellation)
    {
        SendReceipt sent = (
            await service
                .GetQueueClient(queue)
                .SendMessageAsync(ContractJson.Write(message), cancellation)
                .ConfigureAwait(false)
        ).Value;
        return new SentMessage(sent.MessageId, sent.PopReceipt);
    }

    /// <summary>Takes a message back that nobody has taken yet.</summary>
    /// <returns>Whether it was still there.</returns>
    public async Task<bool> TryTakeBackAsync(string queue, SentMessage message, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(message);
        try
        {
            await service
                .GetQueueClient(queue)
                .DeleteMessageAsync(message.MessageId, message.PopReceipt, cancellation)
                .ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException fault) when (fault.Status is 400 or 404)
        {
            return false; // a worker has it, or it is gone
        }
    }

    /// <summary>Puts a text into a queue, made where it is missing.</summary>
    /// <returns>The message's id.</returns>
    public async Task<string> PutAsync(string queue, BinaryData body, CancellationToken cancellation)
    {
        QueueClient client = service.GetQueueClient(queue);
        await client.CreateIfNotExistsAsync(cancellationToken: cancellation).ConfigureAwait(false);
        return (await client.SendMessageAsync(body, cancellationToken: cancellation).ConfigureAwait(false))
            .Value
            .MessageId;
    }

    /// <summary>The first messages of a queue, left where they are; none where there is no queue.</summary>
    public async Task<IReadOnlyList<PeekedMessage>> PeekAsync(string queue, CancellationToken cancellation)
    {
        try
        {
            return (
                await service.GetQueueClient(queue).PeekMessagesAsync(MaxAtATime, cancellation).ConfigureAwait(false)
            ).Value;
        }
        catch (RequestFailedException fault) when (fault.Status == 404)
        {
            return [];
        }
    }

    /// <summary>About how many messages a queue holds, hidden ones too; 0 where there is no queue.</summary>
    public async Task<int> CountAsync(string queue, CancellationToken cancellation)
    {
        try
        {
            QueueClient client = service.GetQueueClient(queue);
            return (await client.GetPropertiesAsync(cancellation).ConfigureAwait(false)).Value.ApproximateMessagesCount;
        }
        catch (RequestFailedException fault) when (fault.Status == 404)
        {
            return 0;
        }
    }

    /// <summary>Takes one message by its id; the others are shown again.</summary>
    /// <returns>It, hidden for half a minute; <c>null</c>: it is not there, or somebody has it in hand.</returns>
    public async Task<QueueMessage?> FindAsync(string queue, string messageId, CancellationToken cancellation)
    {
        QueueClient client = service.GetQueueClient(queue);
        var others = new List<QueueMessage>();
        QueueMessage? found = null;
        try
        {
            while (found is null)
            {
                QueueMessage[] taken = (
                    await client
                        .ReceiveMessagesAsync(MaxAtATime, TimeSpan.FromSeconds(30), cancellation)
                        .ConfigureAwait(false)
                ).Value;
                found = taken.FirstOrDefault(m => m.MessageId == messageId);
                others.AddRange(taken.Where(m => m.MessageId != messageId));
                if (taken.Length == 0)
                {
                    break;
                }
            }
        }
        catch (RequestFailedException fault) when (fault.Status == 404)
        {
            // no such queue
        }

        foreach (QueueMessage other in others)
        {
            await client
                .UpdateMessageAsync(other.MessageId, other.PopReceipt, other.Body, TimeSpan.Zero, cancellation)
                .ConfigureAwait(false);
        }

        return found;
    }

    /// <summary>Takes a message and hides it from others; <c>null</c>: there is none.</summary>
    public async Task<QueueMessage?> ReceiveAsync(string queue, TimeSpan hidden, CancellationToken cancellation) =>
        (await service.GetQueueClient(queue).ReceiveMessageAsync(hidden, cancellation).ConfigureAwait(false)).Value;

    /// <summary>Hides a message taken for longer.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="message">As it was taken; its text stays.</param>
    /// <param name="receipt">The receipt that stands for it.</param>
    /// <param name="hidden">For how long.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The receipt that now stands for it.</returns>
    public async Task<string> RenewAsync(
        string queue,
        QueueMessage message,
        string receipt,
        TimeSpan hidden,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(message);
        return (
            await service
                .GetQueueClient(queue)
                .UpdateMessageAsync(message.MessageId, receipt, message.Body, hidden, cancellation)
                .ConfigureAwait(false)
        )
            .Value
            .PopReceipt;
    }

    /// <summary>Removes a message taken.</summary>
    public Task DeleteAsync(string queue, string messageId, string receipt, CancellationToken cancellation) =>
        service.GetQueueClient(queue).DeleteMessageAsync(messageId, receipt, cancellation);
}
