using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Pipeline.Contracts;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Training;

/// <summary>
/// Gives the run its version, writes the job and tells the queue. Said twice, the second message finds the work done.
/// </summary>
public sealed class SubmitTraining(PipelineStorage storage, TimeProvider time, IConfiguration configuration)
{
    public const string Name = nameof(SubmitTraining);

    [Function(Name)]
    public async Task<SubmittedJob> Run([ActivityTrigger] TrainingAttempt input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        ProjectSettings settings = (
            await storage.Files.ReadJsonAsync<ProjectSettings>(BlobLayout.RunSettings(input.RunId), cancellation)
        )!; // those that the run's id was made of
        RegistryPointer pointer = await storage.Registry.UpdateAsync(
            input.Project,
            p => VersionLedger.Allot(p, input.RunId),
            cancellation
        );
        int version = pointer.Allotted[input.RunId];
        var job = new TrainingJob
        {
            RunId = input.RunId,
            Attempt = input.Attempt,
            Project = input.Project,
            DatasetId = input.DatasetId,
            Base = settings.Base,
            Version = version,
            Champion = pointer.Champion,
            Training = settings.Training,
            Evaluation = settings.Evaluation,
        };
        await storage.Files.WriteJsonAsync(BlobLayout.Job(input.RunId), job, cancellation);
        byte[]? progress = await storage.Files.ReadAsync(BlobLayout.Progress(input.RunId), cancellation);
        SentMessage sent = await storage.Messages.SendAsync(
            BlobLayout.TrainingJobsQueue,
            new TrainingRequest(input.RunId, input.Attempt),
            cancellation
        );
        await storage.Files.WriteJsonAsync(BlobLayout.JobMessage(input.RunId), sent, cancellation);
        await storage.Runs.UpdateAsync(
            input.RunId,
            run => run with { Stage = RunStage.Train, Version = version, UpdatedAt = time.GetUtcNow() },
            cancellation
        );
        return new SubmittedJob(
            version,
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

/// <summary>A job handed to the queue.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Project">The project.</param>
/// <param name="DatasetId">Its dataset.</param>
/// <param name="Attempt">Which start of the run this is.</param>
public sealed record TrainingAttempt(string RunId, string Project, string DatasetId, string Attempt);

/// <summary>A job on the queue.</summary>
/// <param name="Version">The version allotted.</param>
/// <param name="StartDeadline">How long a job may wait for a worker.</param>
/// <param name="HeartbeatDeadline">How long a worker may be silent.</param>
/// <param name="LinesAtStart">Lines of progress that stood there already, of an earlier start.</param>
public sealed record SubmittedJob(int Version, TimeSpan StartDeadline, TimeSpan HeartbeatDeadline, int LinesAtStart);
