using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Datasets;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>On a schedule, trains again every project in which corrections wait.</summary>
public sealed class RetrainingTimer(
    PipelineStorage storage,
    RetrainingStarter retraining,
    ILogger<RetrainingTimer> logger
)
{
    [Function(nameof(RetrainingTimer))]
    public async Task Run(
        [TimerTrigger("%RetrainingSchedule%")] TimerInfo timer,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancellation
    )
    {
        IReadOnlyList<(string Name, long Bytes)> feedback = await storage.Files.ListAsync(
            BlobLayout.FeedbackContainer,
            "",
            cancellation
        );
        foreach (
            string project in feedback
                .Select(f => f.Name.Split('/')[0])
                .Distinct(StringComparer.Ordinal)
                .Where(BlobLayout.IsProjectName)
        )
        {
            try
            {
                await retraining.StartIfDueAsync(client, project, RunTrigger.Timer, cancellation);
            }
            catch (Exception fault) when (fault is DatasetException or JsonException)
            {
                // a file of the project cannot be read; the others go on
                Log.RetrainingRefused(logger, project, fault.Message);
            }
        }
    }
}
