using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Training;

/// <summary>
/// Gives the run its version, writes the job and tells the queue. Said twice, the second message finds the work done.
/// </summary>
public sealed class SubmitTraining(PipelineStorage storage, TimeProvider time, JobSubmission jobs)
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
        SubmittedJob submitted = await jobs.SendAsync(job, cancellation);
        await storage.Runs.UpdateAsync(
            input.RunId,
            run => run with { Stage = RunStage.Train, Version = version, UpdatedAt = time.GetUtcNow() },
            cancellation
        );
        return submitted;
    }
}

/// <summary>A job handed to the queue.</summary>
/// <param name="RunId">The run, or the name of an evaluation.</param>
/// <param name="Project">The project.</param>
/// <param name="DatasetId">Its dataset.</param>
/// <param name="Attempt">Which start of the run this is.</param>
public sealed record TrainingAttempt(string RunId, string Project, string DatasetId, string Attempt)
{
    /// <summary>
    /// Nothing is trained: the older of two published versions answers the newer one's rows; <c>null</c>: a training.
    /// </summary>
    public VersionPair? Evaluates { get; init; }
}
