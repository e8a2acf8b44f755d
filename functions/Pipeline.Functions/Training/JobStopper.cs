using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Training;

/// <summary>Takes a job back from the queue, or tells the worker that has it to stop.</summary>
public sealed class JobStopper(PipelineStorage storage)
{
    /// <summary>Stops a run's job. Its checkpoint stays: the run can be resumed, or purged.</summary>
    public async Task StopAsync(string runId, CancellationToken cancellation)
    {
        // first: a worker that takes the message now sees it
        await storage.Files.WriteAsync(BlobLayout.CancelRequest(runId), [], cancellation);
        if (await storage.Files.ReadJsonAsync<SentMessage>(BlobLayout.JobMessage(runId), cancellation) is { } message)
        {
            await storage.Messages.TryTakeBackAsync(BlobLayout.TrainingJobsQueue, message, cancellation);
        }
    }
}
