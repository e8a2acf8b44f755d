using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;

namespace Pipeline.Functions.Triggers;

/// <summary>A worker's result becomes the event that its run waits for.</summary>
public sealed class TrainingResults(ILogger<TrainingResults> logger)
{
    [Function(nameof(TrainingResults))]
    public async Task Run([QueueTrigger(BlobLayout.TrainingResultsQueue)] string message, [DurableClient] DurableTaskClient client, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        TrainingResult result = ContractJson.Read<TrainingResult>(message);
        await client.RaiseEventAsync(result.RunId, AdapterPipeline.TrainingFinished, result, cancellation);
        Log.ResultReceived(logger, result.RunId, result.Succeeded);
    }
}
