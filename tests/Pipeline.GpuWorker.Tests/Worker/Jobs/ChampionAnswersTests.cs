using System.Text;
using Pipeline.Contracts;
using Pipeline.Worker.Jobs;
using static Pipeline.GpuWorker.Tests.Worker.Jobs.SmallJob;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>A new version's champion answers the held-out rows that it has not answered before.</summary>
public sealed class ChampionAnswersTests
{
    [Fact]
    public void Run_NewHeldOutRows_AreAnsweredByTheChampionToo()
    {
        using var folder = new TemporaryFolder();
        string champion = Path.Combine(folder.Path, "v1");
        Train("first", 60, champion, null);

        string same = Train("first", 60, Path.Combine(folder.Path, "v2"), new ChampionInput(1, champion));
        string grown = Train("grown", 90, Path.Combine(folder.Path, "v3"), new ChampionInput(1, champion));
        string otherMethod = Train(
            "grown",
            90,
            Path.Combine(folder.Path, "v4"),
            new ChampionInput(1, champion),
            TrainingMethod.Lora
        );

        Assert.False(File.Exists(Path.Combine(same, BlobLayout.ChampionFile)));
        Assert.False(File.Exists(Path.Combine(otherMethod, BlobLayout.ChampionFile)));
        ChampionEvaluation evaluated = Read<ChampionEvaluation>(grown, BlobLayout.ChampionFile);
        EvaluationReport own = Read<EvaluationReport>(champion, BlobLayout.EvaluationFile);
        EvaluationReport newer = Read<EvaluationReport>(grown, BlobLayout.EvaluationFile);
        Assert.Equal((1, newer.TestSet), (evaluated.Version, evaluated.Evaluation.TestSet));
        Assert.NotEqual(own.TestSet, newer.TestSet);
        Assert.Equal(
            newer.Outcomes.Select(o => (o.TextHash, o.Gold)),
            evaluated.Evaluation.Outcomes.Select(o => (o.TextHash, o.Gold))
        );

        // Where both sets have a row, the champion answers as it did before.
        Dictionary<string, RowOutcome> before = own.Outcomes.ToDictionary(o => o.TextHash);
        List<RowOutcome> common = [.. evaluated.Evaluation.Outcomes.Where(o => before.ContainsKey(o.TextHash))];
        Assert.NotEmpty(common);
        Assert.All(
            common,
            o =>
            {
                RowOutcome known = before[o.TextHash];
                Assert.Equal(known.Tuned, o.Tuned);
                Assert.All(known.TunedLikelihoods.Zip(o.TunedLikelihoods), p => Assert.Equal(p.First, p.Second, 2e-3));
            }
        );

        string Train(
            string name,
            int rows,
            string output,
            ChampionInput? against,
            TrainingMethod method = TrainingMethod.Qlora
        )
        {
            string dataset = Path.Combine(folder.Path, name);
            DatasetManifest manifest = Directory.Exists(dataset)
                ? Read<DatasetManifest>(dataset, BlobLayout.ManifestFile)
                : SmallDataset.Write(dataset, SmallDataset.Rows(rows), QuickSettings);
            TrainAdapterInput job = Job(dataset, output, manifest);
            Run(job with { Champion = against, Training = job.Training with { Method = method } });
            return output;
        }
    }

    private static T Read<T>(string folder, string file) =>
        ContractJson.Read<T>(Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(folder, file))));
}
