using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Storage;

namespace Pipeline.Functions.Triggers;

/// <summary>On a schedule, trains again every project in which corrections wait.</summary>
public sealed class RetrainingTimer(PipelineStorage storage, RetrainingStarter retraining, ILogger<RetrainingTimer> logger)
{
    [Function(nameof(RetrainingTimer))]
    public async Task Run([TimerTrigger("%RetrainingSchedule%")] TimerInfo timer, [DurableClient] DurableTaskClient client, CancellationToken cancellation)
    {
        IReadOnlyList<(string Name, long Bytes)> feedback = await storage.Files.ListAsync(BlobLayout.FeedbackContainer, "", cancellation);
        foreach (string project in feedback.Select(f => f.Name.Split('/')[0]).Distinct(StringComparer.Ordinal).Where(BlobLayout.IsProjectName))
        {
            try
            {
                await retraining.StartIfDueAsync(client, project, "timer", cancellation);
            }
            catch (DatasetException fault)
            {
                Log.RetrainingRefused(logger, project, fault.Message); // its project.yaml is broken; the others go on
            }
        }
    }
}
