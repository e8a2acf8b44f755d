using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

/// <summary>On a schedule, trains again every project in which corrections wait.</summary>
public sealed class RetrainingTimer(PipelineStorage storage, RetrainingStarter retraining)
{
    [Function(nameof(RetrainingTimer))]
    public async Task Run([TimerTrigger("%RetrainingSchedule%")] TimerInfo timer, [DurableClient] DurableTaskClient client, CancellationToken cancellation)
    {
        IReadOnlyList<(string Name, long Bytes)> feedback = await storage.Files.ListAsync(BlobLayout.FeedbackContainer, "", cancellation);
        foreach (string project in feedback.Select(f => f.Name.Split('/')[0]).Distinct(StringComparer.Ordinal).Where(BlobLayout.IsProjectName))
        {
            await retraining.StartIfDueAsync(client, project, "timer", cancellation);
        }
    }
}
