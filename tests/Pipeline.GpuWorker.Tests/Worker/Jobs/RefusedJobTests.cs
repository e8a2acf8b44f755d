using System.Diagnostics;
using Pipeline.Contracts;
using Pipeline.Training.Faults;
using Pipeline.Worker.Jobs;
using static Pipeline.GpuWorker.Tests.Worker.Jobs.SmallJob;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>Jobs after which nothing is published, and what they say.</summary>
public sealed class RefusedJobTests
{
    [Fact]
    public void Run_SettingsThatContradictEachOther_FailBeforeTheBaseIsEvaluated()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(dataset, SmallDataset.Rows(60), QuickSettings);
        TrainAdapterInput job = Job(dataset, Path.Combine(folder.Path, "out"), manifest);
        var stages = new List<RunStage>();
        var progress = new ProgressLog(TimeProvider.System, line => stages.Add(line.Stage));

        TrainingException fault = Assert.Throws<TrainingException>(() =>
            TrainAdapter.Run(
                job with
                {
                    Training = job.Training with { PackTokens = 16 },
                },
                progress,
                null,
                TestContext.Current.CancellationToken
            )
        );

        Assert.Contains("training.packTokens is 16", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(RunStage.EvaluateBase, stages);
    }

    /// <summary>
    /// A learning rate so small that nothing changes: the files are whole, and still nothing is published.
    /// </summary>
    [Fact]
    public void Run_AdapterThatDoesNothing_IsNotPublished()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            SmallDataset.Rows(60),
            "training: { r: 4, epochs: 1, batchSize: 8, warmupSteps: 0, learningRate: 1e-9 }\n"
                + "evaluation: { bootstrapSamples: 200, minimumStopRate: 0 }\n"
        );
        string output = Path.Combine(folder.Path, "out");

        TrainingException fault = Assert.Throws<TrainingException>(() => Run(Job(dataset, output, manifest)));

        Assert.Contains("'output differs from the base'", fault.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateDirectories(folder.Path, "out*"));
    }

    [Fact]
    public void Run_StopRateBelowTheLimit_IsNotPublishedAndNamesTheLimit()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(dataset, SmallDataset.Rows(60), QuickSettings);
        TrainAdapterInput job = Job(dataset, Path.Combine(folder.Path, "out"), manifest);

        // This base always ends its answers, so the limit is put where no rate reaches it.
        TrainingException fault = Assert.Throws<TrainingException>(() =>
            Run(job with { Evaluation = job.Evaluation with { MinimumStopRate = 1.01 } })
        );

        Assert.Contains("'answers stop by themselves'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_DatasetThatWasChanged_IsRefused()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(dataset, SmallDataset.Rows(60), QuickSettings);
        File.AppendAllText(Path.Combine(dataset, "test.jsonl"), "{}\n");

        InvalidDataException fault = Assert.Throws<InvalidDataException>(() =>
            Run(Job(dataset, Path.Combine(folder.Path, "out"), manifest))
        );

        Assert.Contains("is not the file that manifest.json names", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_FullDisk_FailsWithTheReasonAndLeavesNothing()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(dataset, SmallDataset.Rows(60), QuickSettings);
        string disk = Path.Combine(folder.Path, "disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(
            Mount("-t", "tmpfs", "-o", "size=256k", "tmpfs", disk),
            "a small tmpfs could not be mounted; run it as root on Linux, in a container with --cap-add SYS_ADMIN"
        );
        try
        {
            IOException fault = Assert.Throws<IOException>(() =>
                Run(Job(dataset, Path.Combine(disk, "out"), manifest))
            );

            Assert.Contains("No space left on device", fault.Message, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(disk));
        }
        finally
        {
            Start("umount", disk);
        }
    }

    private static bool Mount(params string[] arguments) =>
        OperatingSystem.IsLinux() && Environment.UserName == "root" && Start("mount", arguments) == 0;

    private static int Start(string program, params string[] arguments)
    {
        using Process process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true }
        )!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
