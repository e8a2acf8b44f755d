using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Worker.Jobs;
using static Pipeline.GpuWorker.Tests.Worker.Jobs.SmallJob;

namespace Pipeline.GpuWorker.Tests.Worker.Jobs;

/// <summary>Base, tuned model and champion answer the guard set.</summary>
public sealed class GuardSetTests
{
    private const string Instructions =
        """{"instruction": "Say good night.", "output": "Good night to you."}"""
        + "\n"
        + """{"instruction": "What is the colour of grass?", "output": "It is green."}"""
        + "\n"
        + """{"instruction": "Name a day of the week.", "output": "Sunday is a day of the week."}"""
        + "\n"
        + """{"instruction": "How many legs has a cat?", "output": "A cat has four legs."}"""
        + "\n";

    [Fact]
    public void Run_GuardSet_IsAnsweredByAllThree()
    {
        using var folder = new TemporaryFolder();
        string Folder(string name) => Path.Combine(folder.Path, name);
        Train("plain", "v1", guard: null, champion: null);

        EvaluationReport second = Train("labels", "v2", Labelled("night", 12), new ChampionInput(1, Folder("v1")));
        EvaluationReport third = Train("labels", "v3", Labelled("night", 12), new ChampionInput(2, Folder("v2")));
        Train("other", "v4", Labelled("evening", 9), new ChampionInput(2, Folder("v2")));

        Assert.Equal(12, second.Guard!.Outcomes.Count);
        Assert.All(second.Guard.Outcomes, o => Assert.Equal(2, o.TunedLikelihoods.Count));
        Assert.Equal(second.Guard.Outcomes.Count(o => o.Tuned == o.Gold) / 12.0, second.Guard.TunedScore, 1e-9);
        Assert.NotEqual(second.TestSet, second.Guard.Id);
        Assert.Equal(second.Guard.Id, third.Guard!.Id);
        Assert.False(File.Exists(Path.Combine(Folder("v3"), BlobLayout.ChampionFile))); // it had answered all of it
        GuardEvaluation first = Champion("v2").Evaluation.Guard!;
        Assert.Equal(second.Guard.Outcomes.Select(o => o.TextHash), first.Outcomes.Select(o => o.TextHash));
        Assert.Equal(second.Guard.Outcomes.Select(o => o.Base), first.Outcomes.Select(o => o.Base));
        Assert.Equal(9, Champion("v4").Evaluation.Guard!.Outcomes.Count);
        Assert.Contains(
            "<h2>Guard set</h2>",
            File.ReadAllText(Path.Combine(Folder("v2"), BlobLayout.ReportFile)),
            StringComparison.Ordinal
        );

        EvaluationReport Train(string dataset, string version, RawFile? guard, ChampionInput? champion)
        {
            DatasetManifest manifest = Directory.Exists(Folder(dataset))
                ? Read<DatasetManifest>(Folder(dataset), BlobLayout.ManifestFile)
                : SmallDataset.Write(Folder(dataset), SmallDataset.Rows(60), QuickSettings, guard: guard);
            return Run(Job(Folder(dataset), Folder(version), manifest) with { Champion = champion });
        }

        ChampionEvaluation Champion(string version) =>
            Read<ChampionEvaluation>(Folder(version), BlobLayout.ChampionFile);
    }

    [Fact]
    public void Run_InstructionsAsGuardSet_AreGeneratedAndScoredAsFreeAnswers()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        DatasetManifest manifest = SmallDataset.Write(
            dataset,
            SmallDataset.Rows(60),
            QuickSettings,
            guard: new RawFile("guard.jsonl", Encoding.UTF8.GetBytes(Instructions))
        );

        EvaluationReport report = Run(Job(dataset, Path.Combine(folder.Path, "out"), manifest));

        Assert.Equal(
            (TaskKind.Instruction, "rougeL", 4),
            (report.Guard!.Task, report.Guard.ScoreName, report.Guard.Outcomes.Count)
        );
        Assert.All(report.Guard.Outcomes, o => Assert.NotNull(o.TunedText));
        Assert.Equal(TaskKind.Classification, report.Task);
    }

    private static RawFile Labelled(string time, int rows) =>
        new(
            "guard.csv",
            Encoding.UTF8.GetBytes(
                "text,label\n"
                    + string.Concat(
                        Enumerable
                            .Range(0, rows)
                            .Select(i =>
                                i % 2 == 0
                                    ? $"a very good {time} to every one of you in room {i},greeting\n"
                                    : $"there are {i} chairs and {i * 3} tables this {time},number\n"
                            )
                    )
            )
        );

    private static T Read<T>(string folder, string file) =>
        ContractJson.Read<T>(File.ReadAllBytes(Path.Combine(folder, file)));
}
