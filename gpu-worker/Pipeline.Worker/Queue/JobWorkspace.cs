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
    /// <summary>Files by which a version answers: an adapter's, or those of a whole model.</summary>
    private static readonly string[] EvaluatedFiles =
    [
        BlobLayout.AdapterWeightsFile,
        BlobLayout.AdapterConfigFile,
        BlobLayout.TrainingFile,
        BlobLayout.ModelWeightsFile,
        BlobLayout.ModelConfigFile,
    ];

    /// <summary>Works on a job to its end: an adapter or an older version's answers, whole in their place.</summary>
    /// <param name="job">The job.</param>
    /// <param name="lease">Held on it.</param>
    /// <param name="onCheckpoint">Called when a checkpoint is safe.</param>
    /// <param name="cancellation">Stops at the next step; a checkpoint is written first.</param>
    public Task WorkAsync(TrainingJob job, LeasedBlob lease, Func<Task> onCheckpoint, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(job);
        return job.Evaluates is null
            ? TrainAsync(job, lease, onCheckpoint, cancellation)
            : EvaluateAsync(job, lease, cancellation);
    }

    private async Task TrainAsync(
        TrainingJob job,
        LeasedBlob lease,
        Func<Task> onCheckpoint,
        CancellationToken cancellation
    )
    {
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

    /// <summary>Lets a published version answer a newer one's held-out rows and guard set.</summary>
    private async Task EvaluateAsync(TrainingJob job, LeasedBlob lease, CancellationToken cancellation)
    {
        int version = job.Evaluates!.Value;
        DirectoryInfo work = Directory.CreateTempSubdirectory("pipeline-job-");
        try
        {
            string folder = Path.Combine(work.FullName, "dataset");
            await DownloadDatasetAsync(job, folder, cancellation);
            string adapter = Path.Combine(work.FullName, "adapter");
            await DownloadVersionAsync(job.Project, version, adapter, EvaluatedFiles, cancellation);
            EvaluationReport report = await WithProgressAsync(
                job,
                lease,
                progress =>
                    progress.Stage(
                        RunStage.EvaluateTuned,
                        0,
                        () =>
                            AdapterEvaluation.Run(
                                bases.Find(job.Base),
                                adapter,
                                LocalDataset.Read(folder),
                                gpu,
                                new EvaluationRun(
                                    job.Template,
                                    (done, all) => progress.Report(RunStage.EvaluateTuned, done, all),
                                    cancellation
                                )
                            )
                    ),
                cancellation
            );
            await new FencedFiles(storage.Files, lease).WriteAsync(
                BlobLayout.ComparedAnswers(job.Project, version, job.Version),
                ContractJson.WriteUtf8(
                    new ChampionEvaluation(version, report with { Base = job.Base }),
                    indented: true
                ),
                cancellation
            );
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
        await DownloadDatasetAsync(job, dataset, cancellation);
        await storage.Files.DownloadAsync(
            BlobLayout.JobsContainer,
            BlobLayout.CheckpointPrefix(job.RunId),
            CheckpointsIn(work),
            cancellation
        );
        string champion = Path.Combine(work, "champion");
        if (job.Champion is { } version)
        {
            await DownloadVersionAsync(job.Project, version, champion, ChampionAnswers.Files, cancellation);
        }

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
            Champion = job.Champion is { } number ? new ChampionInput(number, champion) : null,
        };
    }

    private Task DownloadDatasetAsync(TrainingJob job, string folder, CancellationToken cancellation) =>
        storage.Files.DownloadAsync(
            BlobLayout.DatasetsContainer,
            BlobLayout.DatasetPrefix(job.DatasetId),
            folder,
            cancellation,
            below: false
        );

    /// <summary>
    /// Downloads files of a version. What is missing, such as the adapter of a model that was trained as a whole, is
    /// not there.
    /// </summary>
    private async Task DownloadVersionAsync(
        string project,
        int version,
        string folder,
        IReadOnlyList<string> files,
        CancellationToken cancellation
    )
    {
        Directory.CreateDirectory(folder);
        foreach (string file in files)
        {
            BlobAddress address = BlobLayout.Adapter(project, version, file);
            if (await storage.Files.OpenAsync(address, null, cancellation) is { } blob)
            {
                await using Stream source = blob.Stream;
                await using FileStream target = File.Create(Path.Combine(folder, file));
                await source.CopyToAsync(target, cancellation);
            }
        }
    }

    private Task<EvaluationReport> TrainAsync(
        TrainingJob job,
        TrainAdapterInput input,
        LeasedBlob lease,
        Func<string, Task> upload,
        CancellationToken cancellation
    )
    {
        // On the training thread: the next step waits until the checkpoint is safe.
        void OnCheckpoint(string path) => upload(path).GetAwaiter().GetResult();
        return WithProgressAsync(
            job,
            lease,
            progress => TrainAdapter.Run(input, progress, OnCheckpoint, cancellation),
            cancellation
        );
    }

    /// <summary>Works on a thread of its own, whose progress is uploaded on the way.</summary>
    private async Task<EvaluationReport> WithProgressAsync(
        TrainingJob job,
        LeasedBlob lease,
        Func<ProgressLog, EvaluationReport> work,
        CancellationToken cancellation
    )
    {
        var log = new FencedLog(storage.Files, lease, BlobLayout.Progress(job.RunId));
        await using var lines = new ProgressUpload(log, job.RunId, logger);
        lines.Start();
        var progress = new ProgressLog(time, lines.Add, await EarlierAsync(job.RunId, cancellation));
        return await Task.Run(() => work(progress), cancellation);
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
