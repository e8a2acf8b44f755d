using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Storage;

namespace Pipeline.Functions.Training;

/// <summary>A worker's result becomes the event that its run waits for.</summary>
public sealed class TrainingResults(PipelineStorage storage, TimeProvider time, ILogger<TrainingResults> logger)
{
    [Function(nameof(TrainingResults))]
    public async Task Run(
        [QueueTrigger(BlobLayout.TrainingResultsQueue)] string message,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(client);
        TrainingResult result;
        try
        {
            result = ContractJson.Read<TrainingResult>(message);
        }
        catch (JsonException fault)
        {
            // No retry mends it: it becomes a dead letter with its reason instead of blocking the queue.
            await storage.DeadLetters.PutAsync(
                BlobLayout.PoisonOf(BlobLayout.TrainingResultsQueue),
                "a message",
                new BinaryData(message),
                $"It is not a training result: {fault.Message}",
                time.GetUtcNow(),
                cancellation
            );
            return;
        }

        if (
            await client.TryRaiseEventAsync(
                TrainingWatch.InstanceOf(result.RunId),
                TrainingWatch.Finished,
                result,
                cancellation
            )
        )
        {
            Log.ResultReceived(logger, result.RunId, result.Succeeded);
        }
        else
        {
            Log.ResultOfEndedRun(logger, result.RunId, result.Succeeded);
        }
    }
}
