using System.Text;
using Microsoft.Extensions.Logging;
using Pipeline.Contracts;
using Pipeline.Model.Gpu;
using Pipeline.Storage;
using Pipeline.Tokenization;
using Pipeline.Training.Faults;
using Pipeline.Training.Resuming;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Queue;

/// <summary>
/// A job's files between storage and the trainer: downloads dataset and checkpoint into a temporary folder, uploads
/// progress, checkpoints and the adapter.
/// </summary>
internal sealed class JobWorkspace(
    PipelineStorage storage,
    BaseModelFolders bases,
    TimeProvider time,
    Accelerator? gpu,
    ILogger<TrainingQueueListener> logger
)
{
    /// <summary>Trains a job to a whole adapter in its place.</summary>
    /// <param name="job">The job.</param>
    /// <param name="lease">Held on it.</param>
    /// <param name="onCheckpoint">Called when a checkpoint is safe.</param>
    /// <param name="cancellation">Stops at the next step; a checkpoint is written first.</param>
    public async Task TrainAsync(
        TrainingJob job,
        LeasedBlob lease,
        Func<Task> onCheckpoint,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(job);
        var fenced = new FencedFiles(storage.Files, lease);
        DirectoryInfo work = Directory.CreateTempSubdirectory("pipeline-job-");
        try
        {
            TrainAdapterInput input = await DownloadAsync(job, work.FullName, cancellation);
            await TrainAsync(
                job,
                input,
                lease,
                path => UploadAsync(fenced, job.RunId, path, onCheckpoint),
                cancellation
            );
            await fenced.UploadAsync(
                input.OutputDirectory,
                BlobLayout.AdaptersContainer,
                BlobLayout.AdapterPrefix(job.Project, job.Version),
                cancellation
            );
        }
        catch (TrainingException) when (File.Exists(FailedStepIn(work.FullName)))
        {
            await fenced.WriteFileAsync(
                BlobLayout.Checkpoint(job.RunId, FailedStep.FileName),
                FailedStepIn(work.FullName),
                CancellationToken.None
            );
            throw;
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    private static string CheckpointsIn(string work) => Path.Combine(work, "checkpoint");

    private static string FailedStepIn(string work) => Path.Combine(CheckpointsIn(work), FailedStep.FileName);

    private async Task<TrainAdapterInput> DownloadAsync(TrainingJob job, string work, CancellationToken cancellation)
    {
        string dataset = Path.Combine(work, "dataset");
        await storage.Files.DownloadAsync(
            BlobLayout.DatasetsContainer,
            BlobLayout.DatasetPrefix(job.DatasetId),
            dataset,
            cancellation,
            below: false
        );
        await storage.Files.DownloadAsync(
            BlobLayout.JobsContainer,
            BlobLayout.CheckpointPrefix(job.RunId),
            CheckpointsIn(work),
            cancellation
        );
        ChampionInput? champion = job.Champion is { } version
            ? await DownloadChampionAsync(job.Project, version, Path.Combine(work, "champion"), cancellation)
            : null;
        return new TrainAdapterInput
        {
            BaseDirectory = bases.Find(job.Base),
            DatasetDirectory = dataset,
            OutputDirectory = Path.Combine(work, "adapter"),
            CheckpointDirectory = CheckpointsIn(work),
            Title = $"{job.Project} v{job.Version}",
            Training = job.Training,
            Evaluation = job.Evaluation,
            Gpu = gpu,
            Champion = champion,
        };
    }

    private async Task<ChampionInput> DownloadChampionAsync(
        string project,
        int version,
        string folder,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(folder);
        foreach (string file in ChampionAnswers.Files)
        {
            // what is missing, such as the adapter of a model that was trained as a whole, is not asked
            BlobAddress address = BlobLayout.Adapter(project, version, file);
            if (await storage.Files.OpenAsync(address, null, cancellation) is { } blob)
            {
                await using Stream source = blob.Stream;
                await using FileStream target = File.Create(Path.Combine(folder, file));
                await source.CopyToAsync(target, cancellation);
            }
        }

        return new ChampionInput(version, folder);
    }

    private async Task TrainAsync(
        TrainingJob job,
        TrainAdapterInput input,
        LeasedBlob lease,
        Func<string, Task> upload,
        CancellationToken cancellation
    )
    {
        var log = new FencedLog(storage.Files, lease, BlobLayout.Progress(job.RunId));
        await using var lines = new ProgressUpload(log, job.RunId, logger);
        lines.Start();
        var progress = new ProgressLog(time, lines.Add, await EarlierAsync(job.RunId, cancellation));
        // On the training thread: the next step waits until the checkpoint is safe.
        void OnCheckpoint(string path) => upload(path).GetAwaiter().GetResult();
        await Task.Run(() => TrainAdapter.Run(input, progress, OnCheckpoint, cancellation), cancellation);
    }

    private static async Task UploadAsync(FencedFiles fenced, string runId, string path, Func<Task> onCheckpoint)
    {
        await fenced.WriteFileAsync(
            BlobLayout.Checkpoint(runId, TrainingCheckpoint.FileName),
            path,
            CancellationToken.None
        );
        await onCheckpoint();
    }

    /// <summary>What earlier workers wrote of this job's progress, for the curve in its report.</summary>
    private async Task<IReadOnlyList<TrainingProgress>> EarlierAsync(string runId, CancellationToken cancellation)
    {
        byte[] bytes = await storage.Files.ReadAsync(BlobLayout.Progress(runId), cancellation) ?? [];
        return
        [
            .. Encoding
                .UTF8.GetString(bytes)
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(l => ContractJson.Read<TrainingProgress>(l)),
        ];
    }
}
