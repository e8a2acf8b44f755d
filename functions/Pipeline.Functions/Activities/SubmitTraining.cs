using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Configuration;
using Pipeline.Contracts;
using Pipeline.Functions.Orchestrations;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Activities;

/// <summary>
/// Gives the run its version, writes the job and tells the queue. Said twice, the second message finds the work done.
/// </summary>
public sealed class SubmitTraining(PipelineStorage storage, TimeProvider time, IConfiguration configuration)
{
    public const string Name = nameof(SubmitTraining);

    [Function(Name)]
    public async Task<JobHandle> Run([ActivityTrigger] JobInput input, CancellationToken cancellation)
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
            run => run with { Stage = "train", Version = version, UpdatedAt = time.GetUtcNow() },
            cancellation
        );
        return new JobHandle(
            version,
            Deadline("WorkerStartDeadline", TimeSpan.FromMinutes(30)),
            Deadline("WorkerHeartbeatDeadline", TimeSpan.FromMinutes(10)),
            progress?.Count(b => b == (byte)'\n') ?? 0
        );
    }

    private TimeSpan Deadline(string name, TimeSpan otherwise) =>
        TimeSpan.TryParse(configuration[name], System.Globalization.CultureInfo.InvariantCulture, out TimeSpan said)
            ? said
            : otherwise;
}
