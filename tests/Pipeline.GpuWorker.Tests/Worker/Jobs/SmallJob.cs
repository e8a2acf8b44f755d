using Pipeline.Contracts;
using Pipeline.Worker.Jobs;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>A job as the worker gets it, on a small dataset, and its run.</summary>
internal static class SmallJob
{
    public const string QuickSettings =
        "training: { r: 4, epochs: 1, batchSize: 8, warmupSteps: 1 }\nevaluation: { bootstrapSamples: 200 }\n";

    public static TrainAdapterInput Job(string dataset, string output, DatasetManifest manifest) =>
        new()
        {
            BaseDirectory = SmallDataset.Base,
            DatasetDirectory = dataset,
            OutputDirectory = output,
            Title = "test",
            Training = manifest.Settings.Training,
            Evaluation = manifest.Settings.Evaluation,
        };

    public static EvaluationReport Run(TrainAdapterInput job) =>
        TrainAdapter.Run(
            job,
            new ProgressLog(TimeProvider.System, _ => { }),
            null,
            TestContext.Current.CancellationToken
        );
}
