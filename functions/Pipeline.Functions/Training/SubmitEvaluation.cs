using Microsoft.Azure.Functions.Worker;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Storage;

namespace Pipeline.Functions.Training;

/// <summary>
/// Has a published version answer a newer one's held-out rows and guard set, on its own base and in its own form of the
/// prompt.
/// </summary>
public sealed class SubmitEvaluation(PipelineStorage storage, JobSubmission jobs)
{
    public const string Name = nameof(SubmitEvaluation);

    /// <exception cref="RunFailedException">The newer one's dataset, or the older one's files, are gone.</exception>
    [Function(Name)]
    public async Task<SubmittedJob> Run([ActivityTrigger] TrainingAttempt input, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(input);
        VersionPair versions = input.Evaluates!;
        EvaluationReport older = await ReadAsync<EvaluationReport>(versions.Older, BlobLayout.EvaluationFile);
        DatasetManifest? itsDataset = await storage.Files.ReadJsonAsync<DatasetManifest>(
            BlobLayout.Dataset(older.DatasetId, BlobLayout.ManifestFile),
            cancellation
        );
        DatasetManifest dataset =
            await storage.Files.ReadJsonAsync<DatasetManifest>(
                BlobLayout.Dataset(input.DatasetId, BlobLayout.ManifestFile),
                cancellation
            ) ?? throw new RunFailedException($"The dataset of V{versions.Newer} is gone.");
        return await jobs.SendAsync(
            new TrainingJob
            {
                RunId = input.RunId,
                Attempt = input.Attempt,
                Project = input.Project,
                DatasetId = input.DatasetId,
                Base = older.Base,
                Version = versions.Newer,
                Evaluates = versions.Older,
                Template = itsDataset?.Template,
                Training = await ReadAsync<TrainingSettings>(versions.Older, BlobLayout.TrainingFile),
                Evaluation = dataset.Settings.Evaluation,
            },
            cancellation
        );

        async Task<T> ReadAsync<T>(int version, string file)
            where T : class =>
            await storage.Files.ReadJsonAsync<T>(BlobLayout.Adapter(input.Project, version, file), cancellation)
            ?? throw new RunFailedException($"V{version} has no {file}.");
    }
}

/// <summary>Two versions of a project.</summary>
/// <param name="Older">The one that answers.</param>
/// <param name="Newer">The one whose held-out rows it answers.</param>
public sealed record VersionPair(int Older, int Newer);
