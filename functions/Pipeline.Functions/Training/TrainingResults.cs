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
        (TrainingResult? result, string? wrong) = Parse(message);
        if (result is null)
        {
            // No retry mends it: it becomes a dead letter with its reason instead of blocking the queue.
            await storage.DeadLetters.PutAsync(
                BlobLayout.PoisonOf(BlobLayout.TrainingResultsQueue),
                "a message",
                new BinaryData(message),
                $"It is not a training result: {wrong}",
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

    private static (TrainingResult? Result, string? Fault) Parse(string message)
    {
        try
        {
            TrainingResult result = ContractJson.Read<TrainingResult>(message);
            string? fault = SafeName.Fault(result.RunId, NameKind.Run);
            return fault is null ? (result, null) : (null, fault);
        }
        catch (JsonException fault)
        {
            return (null, fault.Message);
        }
    }
}
