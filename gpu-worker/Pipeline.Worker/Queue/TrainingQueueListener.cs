using System.Text.Json;
using Azure.Storage.Queues.Models;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Model.Gpu;
using Pipeline.Storage;
using Pipeline.Tokenization;

namespace Pipeline.Worker.Queue;

/// <summary>
/// Takes jobs off the queue, one at a time. A worker that dies leaves its message; the next one goes on from the last
/// checkpoint.
/// </summary>
public sealed class TrainingQueueListener(
    PipelineStorage storage,
    BaseModelFolders bases,
    VisibilityTimeouts times,
    TimeProvider time,
    ILogger<TrainingQueueListener> logger,
    Accelerator? gpu = null
)
{
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LeaseRetryInterval = TimeSpan.FromSeconds(5);

    /// <summary>Works until cancelled, or until there was nothing to do for a while.</summary>
    /// <param name="idleExit">How long to wait for work; <c>null</c>: for ever.</param>
    /// <param name="cancellation">Ends the loop; the job at hand writes a checkpoint first.</param>
    public async Task RunAsync(TimeSpan? idleExit, CancellationToken cancellation)
    {
        long idleSince = time.GetTimestamp();
        while (!cancellation.IsCancellationRequested)
        {
            QueueMessage? message = null;
            try
            {
                message = await storage.Messages.ReceiveAsync(BlobLayout.TrainingJobsQueue, times.Hidden, cancellation);
                if (message is not null)
                {
                    await WorkAsync(message, cancellation);
                }
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                Log.StorageAway(logger, fault.Message);
            }

            if (message is null)
            {
                if (idleExit is { } limit && time.GetElapsedTime(idleSince) > limit)
                {
                    return;
                }

                await Task.Delay(PollInterval, time, cancellation);
                continue;
            }

            idleSince = time.GetTimestamp();
        }
    }

    private async Task WorkAsync(QueueMessage message, CancellationToken cancellation)
    {
        (TrainingRequest? request, string? fault) = Parse(message);
        TrainingJob? job = null;
        if (request is not null)
        {
            (job, fault) = await ReadJobAsync(request, cancellation);
        }

        if (job is null)
        {
            await DeadLetterAsync(message, fault!, cancellation);
            return;
        }

        LeasedBlob? lease = await LeasedBlob.TryAcquireAsync(
            storage.Blobs,
            BlobLayout.JobLock(job.RunId),
            times.Lease,
            cancellation
        );
        if (lease is null)
        {
            // Another worker has the job, or had it until just now: its lease runs out by itself.
            await storage.Messages.RenewAsync(
                BlobLayout.TrainingJobsQueue,
                message,
                message.PopReceipt,
                LeaseRetryInterval,
                cancellation
            );
            return;
        }

        try
        {
            await using var renewal = new LeaseAndMessageRenewal(storage, lease, times, message, job.RunId);
            var workspace = new JobWorkspace(storage, bases, time, gpu, logger);
            await new JobDelivery(storage, lease, renewal, job, workspace, logger).RunAsync(request!, cancellation);
        }
        finally
        {
            await lease.ReleaseAsync(CancellationToken.None);
        }
    }

    private async Task DeadLetterAsync(QueueMessage message, string reason, CancellationToken cancellation)
    {
        await storage.DeadLetters.PutAsync(
            BlobLayout.PoisonOf(BlobLayout.TrainingJobsQueue),
            $"message {message.MessageId}",
            message.Body,
            reason,
            time.GetUtcNow(),
            cancellation
        );
        await storage.Messages.TryTakeBackAsync(
            BlobLayout.TrainingJobsQueue,
            new SentMessage(message.MessageId, message.PopReceipt),
            cancellation
        );
        Log.DeadLetter(logger, message.MessageId, reason);
    }

    /// <summary>The job of a request, or why there is none that could be worked on: no retry mends that.</summary>
    private async Task<(TrainingJob? Job, string? Fault)> ReadJobAsync(
        TrainingRequest request,
        CancellationToken cancellation
    )
    {
        try
        {
            return await storage.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(request.RunId), cancellation) switch
            {
                null => (null, $"It names the run '{request.RunId}', for which there is no job."),
                { } job when NameFault(job, request) is { } fault => (null, $"The job's {fault}"),
                { } job => (job, null),
            };
        }
        catch (JsonException fault)
        {
            return (null, $"The job of run '{request.RunId}' cannot be read: {fault.Message}");
        }
    }

    private static string? NameFault(TrainingJob job, TrainingRequest request) =>
        job.RunId != request.RunId ? $"run is '{job.RunId}', not '{request.RunId}'."
        : SafeName.Fault(job.Project, NameKind.Project) is { } project ? $"project: {project}"
        : SafeName.Fault(job.DatasetId, NameKind.Run) is { } dataset ? $"dataset: {dataset}"
        : BlobLayout.IsBaseName(job.Base) ? null
        : "base is not one folder name.";

    private static (TrainingRequest? Request, string? Fault) Parse(QueueMessage message)
    {
        try
        {
            TrainingRequest request = ContractJson.Read<TrainingRequest>(message.Body.ToMemory().Span);
            string? fault = SafeName.Fault(request.RunId, NameKind.Run);
            return fault is null ? (request, null) : (null, $"It is not a training request: {fault}");
        }
        catch (JsonException fault)
        {
            return (null, $"It is not a training request: {fault.Message}");
        }
    }
}
