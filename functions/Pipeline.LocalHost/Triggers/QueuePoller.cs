using Azure.Storage.Queues;
using Azure.Storage.Queues.Models;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Triggers;

/// <summary>
/// Takes queue messages to the functions that wait for them. A message that fails five times goes to
/// <c>NAME-poison</c>.
/// </summary>
internal sealed class QueuePoller(
    PipelineStorage storage,
    FunctionCatalog catalog,
    TimeProvider time,
    ILogger<QueuePoller> logger
) : BackgroundService
{
    private const int MaxDeliveries = 5;
    private static readonly TimeSpan VisibilityTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(
            catalog
                .TriggeredBy<QueueTriggerAttribute>()
                .Select(f => PollAsync(f.Function, f.Trigger.QueueName, stoppingToken))
        );

    private async Task PollAsync(HostedFunction function, string queueName, CancellationToken cancellation)
    {
        QueueClient queue = storage.Queues.GetQueueClient(queueName);
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                foreach (
                    QueueMessage message in (
                        await queue.ReceiveMessagesAsync(16, VisibilityTimeout, cancellation)
                    ).Value
                )
                {
                    await TellAsync(function, queue, message, cancellation);
                }
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                Log.StorageAway(logger, fault.Message);
            }

            await Task.Delay(Interval, time, cancellation);
        }
    }

    private async Task TellAsync(
        HostedFunction function,
        QueueClient queue,
        QueueMessage message,
        CancellationToken cancellation
    )
    {
        try
        {
            await catalog.InvokeAsync(
                function,
                p => p == function.TriggerParameter ? message.Body.ToString() : null,
                cancellation
            );
            await queue.DeleteMessageAsync(message.MessageId, message.PopReceipt, cancellation);
        }
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
        {
            Log.TriggerFailed(
                logger,
                function.Name,
                $"message {message.MessageId}",
                (int)message.DequeueCount,
                fault.Message
            );
            if (message.DequeueCount < MaxDeliveries)
            {
                await queue.UpdateMessageAsync(
                    message.MessageId,
                    message.PopReceipt,
                    message.Body,
                    TimeSpan.Zero,
                    cancellation
                );
                return;
            }

            await storage.DeadLetters.PutAsync(
                BlobLayout.PoisonOf(queue.Name),
                $"message {message.MessageId}",
                message.Body,
                fault.Message,
                time.GetUtcNow(),
                cancellation
            );
            await queue.DeleteMessageAsync(message.MessageId, message.PopReceipt, cancellation);
            Log.DeadLetter(
                logger,
                $"Message {message.MessageId} of '{queue.Name}'",
                (int)message.DequeueCount,
                fault.Message
            );
        }
    }
}
