using System.Text.Json;
using Azure.Storage.Queues.Models;
using Pipeline.Contracts;
using Pipeline.Model;
using Pipeline.Storage;
using Pipeline.Tokenization;
using Pipeline.Training;
using Pipeline.Training.Resuming;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Queue;

/// <summary>Takes jobs off the queue, one at a time. A worker that dies leaves its message; the next one goes on from the last checkpoint.</summary>
public sealed class QueueLoop(PipelineStorage storage, BaseModelFolders bases, TimeProvider time)
{
    private const int MostDeliveries = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

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
                message = await storage.Messages.ReceiveAsync(BlobLayout.TrainingJobsQueue, MessageHold.Hidden, cancellation);
                if (message is not null)
                {
                    await WorkAsync(message, cancellation);
                }
            }
            catch (Exception fault) when (!cancellation.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync($"storage does not answer ({fault.Message}); trying again");
            }

            if (message is null)
            {
                if (idleExit is { } limit && time.GetElapsedTime(idleSince) > limit)
                {
                    return;
                }

                await Task.Delay(Pause, time, cancellation);
                continue;
            }

            idleSince = time.GetTimestamp();
        }
    }

    private async Task WorkAsync(QueueMessage message, CancellationToken cancellation)
    {
        TrainingRequest? request = Parse(message);
        TrainingJob? job = request is null ? null : await storage.Files.ReadJsonAsync<TrainingJob>(BlobLayout.Job(request.RunId), cancellation);
        if (job is null)
        {
            await PoisonAsync(message, cancellation);
            return;
        }

        await using var hold = new MessageHold(storage, message, job.RunId);
        if (request!.Attempt != job.Attempt)
        {
            await hold.CompleteAsync(cancellation); // of an earlier start of the run, which nobody waits for
            return;
        }

        if (await storage.Files.ExistsAsync(BlobLayout.CancelRequest(job.RunId), cancellation))
        {
            await EndAsync(hold, Result(job, false, true, "cancelled"), cancellation);
            return;
        }

        if (await storage.Files.ExistsAsync(BlobLayout.Done(job.RunId, job.Attempt), cancellation))
        {
            await EndAsync(hold, Result(job, true, false, null), cancellation); // a worker ended between the adapter and its word
            return;
        }

        if (message.DequeueCount > MostDeliveries && (await storage.Files.ListAsync(BlobLayout.JobsContainer, BlobLayout.CheckpointPrefix(job.RunId), cancellation)).Count == 0)
        {
            await EndAsync(hold, Result(job, false, false, $"{message.DequeueCount - 1} workers ended with this job without reaching a checkpoint; it may need more memory than they have."), cancellation);
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, hold.Stop);
        try
        {
            await TrainAsync(job, stop.Token);
            await storage.Files.WriteAsync(BlobLayout.Done(job.RunId, job.Attempt), [], cancellation);
            await storage.Files.DeletePrefixAsync(BlobLayout.JobsContainer, BlobLayout.CheckpointPrefix(job.RunId), cancellation);
            await EndAsync(hold, Result(job, true, false, null), cancellation);
        }
        catch (OperationCanceledException) when (hold.Cancelled)
        {
            await EndAsync(hold, Result(job, false, true, "cancelled"), CancellationToken.None);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await hold.ReleaseAsync(CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"{job.RunId}: another worker has taken the job");
        }
        catch (Exception fault) when (fault is ModelException or InvalidDataException or TrainingException or IOException)
        {
            await EndAsync(hold, Result(job, false, false, fault.Message), cancellation);
        }
        catch (Exception fault) when (message.DequeueCount >= MostDeliveries)
        {
            await EndAsync(hold, Result(job, false, false, $"Tried {message.DequeueCount} times; the last fault was {fault.GetType().Name}: {fault.Message}"), cancellation);
        }
        catch (Exception fault)
        {
            await Console.Error.WriteLineAsync($"{job.RunId}: {fault.GetType().Name}: {fault.Message}; the job goes back to the queue");
            await hold.ReleaseAsync(CancellationToken.None);
        }
    }

    private async Task TrainAsync(TrainingJob job, CancellationToken cancellation)
    {
        DirectoryInfo work = Directory.CreateTempSubdirectory("pipeline-job-");
        try
        {
            string dataset = Path.Combine(work.FullName, "dataset");
            string checkpoints = Path.Combine(work.FullName, "checkpoint");
            string adapter = Path.Combine(work.FullName, "adapter");
            await storage.Files.DownloadAsync(BlobLayout.DatasetsContainer, BlobLayout.DatasetPrefix(job.DatasetId), dataset, cancellation);
            await storage.Files.DownloadAsync(BlobLayout.JobsContainer, BlobLayout.CheckpointPrefix(job.RunId), checkpoints, cancellation);
            await using (var upload = new ProgressUpload(storage, job.RunId))
            {
                upload.Start();
                var progress = new ProgressLog(time, upload.Add);
                var adapterJob = new AdapterJob
                {
                    BaseDirectory = bases.Find(job.Base), DatasetDirectory = dataset, OutputDirectory = adapter, CheckpointDirectory = checkpoints,
                    Title = $"{job.Project} v{job.Version}", Training = job.Training, Evaluation = job.Evaluation,
                };
                await Task.Run(() => AdapterJobRunner.Run(adapterJob, progress, path => UploadCheckpoint(job.RunId, path), cancellation), cancellation);
            }

            await storage.Files.UploadAsync(adapter, BlobLayout.AdaptersContainer, BlobLayout.AdapterPrefix(job.Project, job.Version), cancellation);
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    /// <summary>On the training thread: the next step waits until the checkpoint is safe.</summary>
    private void UploadCheckpoint(string runId, string path) =>
        storage.Files.WriteAsync(BlobLayout.Checkpoint(runId, TrainingCheckpoint.FileName), File.ReadAllBytes(path), CancellationToken.None).GetAwaiter().GetResult();

    private static TrainingResult Result(TrainingJob job, bool succeeded, bool cancelled, string? error) => new(job.RunId, job.Attempt, succeeded, cancelled, error);

    private async Task EndAsync(MessageHold hold, TrainingResult result, CancellationToken cancellation)
    {
        await storage.Messages.SendAsync(BlobLayout.TrainingResultsQueue, result, cancellation);
        await hold.CompleteAsync(cancellation);
    }

    private async Task PoisonAsync(QueueMessage message, CancellationToken cancellation)
    {
        string poison = BlobLayout.TrainingJobsQueue + "-poison";
        await storage.Queues.GetQueueClient(poison).CreateIfNotExistsAsync(cancellationToken: cancellation);
        await storage.Queues.GetQueueClient(poison).SendMessageAsync(message.Body, cancellationToken: cancellation);
        await storage.Messages.DeleteAsync(BlobLayout.TrainingJobsQueue, message.MessageId, message.PopReceipt, cancellation);
        await Console.Error.WriteLineAsync($"message {message.MessageId} names no job: moved to {poison}");
    }

    private static TrainingRequest? Parse(QueueMessage message)
    {
        try
        {
            return ContractJson.Read<TrainingRequest>(message.Body.ToMemory().Span);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
