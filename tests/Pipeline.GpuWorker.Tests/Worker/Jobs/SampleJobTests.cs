using Pipeline.Contracts;
using static Pipeline.GpuWorker.Tests.Worker.Jobs.SmallJob;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>What the sample promises, and its control.</summary>
public sealed class SampleJobTests
{
    /// <summary>
    /// The control: with shuffled labels nothing can be learned, and the report must not say otherwise.
    /// </summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public void Run_SampleWithShuffledLabels_DoesNotWin()
    {
        using var folder = new TemporaryFolder();
        string sample = RepositoryFiles.At("functions", "Pipeline.LocalHost", "samples", "tweets");
        string dataset = Path.Combine(folder.Path, "dataset");
        string shuffled = Path.Combine(folder.Path, "shuffled");
        SmallDataset.Write(
            dataset,
            File.ReadAllBytes(Path.Combine(sample, "tweets.csv")),
            File.ReadAllText(Path.Combine(sample, "project.yaml"))
        );
        List<Example> rows =
        [
            .. new[] { BlobLayout.TrainFile, BlobLayout.ValidationFile, BlobLayout.TestFile }
                .SelectMany(f => File.ReadLines(Path.Combine(dataset, f)))
                .Select(l => ContractJson.Read<Example>(l)),
        ];
        string[] labels = [.. rows.Select(r => r.Label!)];
        new Random(7).Shuffle(labels);
        string csv =
            "text,label\n"
            + string.Concat(
                rows.Select(
                    (r, i) =>
                        $"\"{r.Messages[^2].Content.Replace("\"", "\"\"", StringComparison.Ordinal)}\",{labels[i]}\n"
                )
            );
        DatasetManifest manifest = SmallDataset.Write(
            shuffled,
            System.Text.Encoding.UTF8.GetBytes(csv),
            File.ReadAllText(Path.Combine(sample, "project.yaml"))
        );

        EvaluationReport report = Run(Job(shuffled, Path.Combine(folder.Path, "out"), manifest));

        Assert.InRange(report.TunedScore.Accuracy, 0.2, report.Baselines[Baseline.Majority].Accuracy + 0.06);
        Assert.True(
            report.TunedScore.Interval.Low <= report.Baselines[Baseline.Majority].Accuracy,
            $"{report.TunedScore}"
        );
        Assert.True(
            report.Baselines[Baseline.Linear].TunedGain!.Interval.Low <= 0,
            $"{report.Baselines[Baseline.Linear]}"
        );
    }

    /// <summary>
    /// The demo's promise: tuned reaches 88 % or more, and beats base and every baseline by the paired test.
    /// </summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public void Run_Sample_BeatsBaseAndBaselines()
    {
        using var folder = new TemporaryFolder();
        string sample = RepositoryFiles.At("functions", "Pipeline.LocalHost", "samples", "tweets");
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            File.ReadAllBytes(Path.Combine(sample, "tweets.csv")),
            File.ReadAllText(Path.Combine(sample, "project.yaml"))
        );

        EvaluationReport report = Run(Job(dataset, Path.Combine(folder.Path, "out"), manifest));

        Assert.True(report.Difference.Interval.Low > 0);
        Assert.InRange(report.TunedScore.Accuracy, 0.88, 1);
        Assert.Equal(EnumNames.All<Baseline>(), report.Baselines.Keys.Order().Select(b => b.Name()));
        Assert.All(report.Baselines.Values, b => Assert.True(b.TunedGain!.Interval.Low > 0, $"{b}"));
    }
}
