using Microsoft.Extensions.Configuration;
using Pipeline.Contracts;
using Pipeline.Storage;

namespace Pipeline.Functions.Training;

/// <summary>Hands jobs to the queue.</summary>
public sealed class JobSubmission(PipelineStorage storage, IConfiguration configuration)
{
    /// <summary>Writes a job and tells the queue. Told twice, a worker finds the work done.</summary>
    public async Task<SubmittedJob> SendAsync(TrainingJob job, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(job);
        await storage.Files.WriteJsonAsync(BlobLayout.Job(job.RunId), job, cancellation);
        byte[]? progress = await storage.Files.ReadAsync(BlobLayout.Progress(job.RunId), cancellation);
        SentMessage sent = await storage.Messages.SendAsync(
            BlobLayout.TrainingJobsQueue,
            new TrainingRequest(job.RunId, job.Attempt),
            cancellation
        );
        await storage.Files.WriteJsonAsync(BlobLayout.JobMessage(job.RunId), sent, cancellation);
        return new SubmittedJob(
            job.Version,
            Deadline("WorkerStartDeadline", TimeSpan.FromMinutes(30)),
            Deadline("WorkerHeartbeatDeadline", TimeSpan.FromMinutes(10)),
            progress?.Count(b => b == (byte)'\n') ?? 0
        );
    }

    private TimeSpan Deadline(string name, TimeSpan otherwise) =>
        TimeSpan.TryParse(configuration[name], System.Globalization.CultureInfo.InvariantCulture, out TimeSpan deadline)
            ? deadline
            : otherwise;
}

/// <summary>A job on the queue.</summary>
/// <param name="Version">The version allotted; of an evaluation the newer one.</param>
/// <param name="StartDeadline">How long a job may wait for a worker.</param>
/// <param name="HeartbeatDeadline">How long a worker may be silent.</param>
/// <param name="LinesAtStart">Lines of progress that stood there already, of an earlier start.</param>
public sealed record SubmittedJob(int Version, TimeSpan StartDeadline, TimeSpan HeartbeatDeadline, int LinesAtStart);
