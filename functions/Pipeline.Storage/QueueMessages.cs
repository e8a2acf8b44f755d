using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>Contracts as queue messages, in base64 as Azure Functions reads them.</summary>
public sealed class QueueMessages(QueueServiceClient service)
{
    /// <summary>Sends a message.</summary>
    public Task SendAsync<T>(string queue, T message, CancellationToken cancellation) => service.GetQueueClient(queue).SendMessageAsync(ContractJson.Write(message), cancellation);

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
    public async Task<string> RenewAsync(string queue, QueueMessage message, string receipt, TimeSpan hidden, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(message);
        return (await service.GetQueueClient(queue).UpdateMessageAsync(message.MessageId, receipt, message.Body, hidden, cancellation).ConfigureAwait(false)).Value.PopReceipt;
    }

    /// <summary>Removes a message taken.</summary>
    public Task DeleteAsync(string queue, string messageId, string receipt, CancellationToken cancellation) =>
        service.GetQueueClient(queue).DeleteMessageAsync(messageId, receipt, cancellation);
}
