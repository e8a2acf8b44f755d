using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Worker.Jobs;

namespace Pipeline.GpuWorker.Tests.Worker.Commands;

/// <summary>
/// The worker's one-shot commands as a user calls them: the real program, one after the other, on one adapter.
/// </summary>
public sealed class CommandLineTests
{
    [Fact]
    public void Commands_OneAfterTheOther_WorkOnTheSameAdapter()
    {
        using var folder = new TemporaryFolder();
        string At(string name) => Path.Combine(folder.Path, name);
        SmallDataset.Write(
            At("dataset"),
            SmallDataset.Rows(80),
            "training: { r: 4, epochs: 1, batchSize: 8, warmupSteps: 1 }\nevaluation: { bootstrapSamples: 200 }\n"
        );
        Run(0, "train", "--base", SmallDataset.Base, "--dataset", At("dataset"), "--out", At("adapter"));

        Run(
            0,
            "evaluate",
            "--base",
            SmallDataset.Base,
            "--adapter",
            At("adapter"),
            "--dataset",
            At("dataset"),
            "--out",
            At("evaluation")
        );
        Run(
            0,
            "merge",
            "--base",
            SmallDataset.Base,
            "--adapter",
            At("adapter"),
            "--dataset",
            At("dataset"),
            "--out",
            At("merged"),
            "--max-shard-bytes",
            "4000000"
        );
        Run(0, "quantize", "--base", At("merged"), "--out", At("nf4"));
        string beside = Run(
            0,
            "generate",
            "--base",
            SmallDataset.Base,
            "--adapter",
            At("adapter"),
            "--prompt",
            "good morning friend 3"
        );
        string merged = Run(0, "generate", "--base", At("merged"), "--prompt", "good morning friend 3");
        Run(
            0,
            "generate",
            "--base",
            At("nf4"),
            "--prompt",
            "good morning friend 3",
            "--temperature",
            "0.8",
            "--top-p",
            "0.9",
            "--max-tokens",
            "4"
        );

        var trained = Read<EvaluationReport>(At("adapter/evaluation.json"));
        var evaluated = Read<EvaluationReport>(At("evaluation/evaluation.json"));
        Assert.Equal(trained.TunedScore.Accuracy, evaluated.TunedScore.Accuracy);
        Assert.Equal(trained.TunedScore.Perplexity, evaluated.TunedScore.Perplexity, 1e-4);
        Assert.Null(evaluated.Training);
        var merge = Read<MergeReport>(At("merged/merge.json"));
        Assert.True(merge.Dequantized);
        Assert.Equal(0, merge.RowsThatDiffer);
        Assert.True(merge.LargestDifference < 1e-3, $"{merge.LargestDifference}");
        Assert.True(Directory.EnumerateFiles(At("merged"), "model-*.safetensors").Count() > 1);
        Assert.Contains(
            "Merged into tiny-llama-chat, dequantised from NF4",
            File.ReadAllText(At("merged/report.html")),
            StringComparison.Ordinal
        );
        Assert.Equal(beside, merged);
    }

    [Fact]
    public void Commands_OnAModelTrainedAsAWhole_TakeItInAnAdaptersPlace()
    {
        using var folder = new TemporaryFolder();
        string At(string name) => Path.Combine(folder.Path, name);
        string texts = string.Join(
            "\n\n",
            Enumerable.Range(0, 40).Select(i => $"The valve {i} must be closed before pump {i + 1} starts.")
        );
        SmallDataset.Write(
            At("dataset"),
            System.Text.Encoding.UTF8.GetBytes(texts),
            "task: text\ntraining: { method: full, optimizer: adamw8bit, epochs: 2, batchSize: 8, warmupSteps: 1 }\nevaluation: { bootstrapSamples: 200 }\n",
            "manual.txt"
        );
        Run(0, "train", "--base", SmallDataset.Base, "--dataset", At("dataset"), "--out", At("model"));

        Run(
            0,
            "evaluate",
            "--base",
            SmallDataset.Base,
            "--adapter",
            At("model"),
            "--dataset",
            At("dataset"),
            "--out",
            At("evaluation")
        );
        string refused = Run(
            2,
            "merge",
            "--base",
            SmallDataset.Base,
            "--adapter",
            At("model"),
            "--dataset",
            At("dataset"),
            "--out",
            At("merged")
        );
        string written = Run(
            0,
            "generate",
            "--base",
            At("model"),
            "--template",
            "text",
            "--prompt",
            "The valve 3 must be",
            "--max-tokens",
            "3"
        );
        // What is there is never replaced: this would be the base itself.
        Assert.Contains(
            "is there already",
            Run(2, "train", "--base", At("model"), "--dataset", At("dataset"), "--out", At("model")),
            StringComparison.Ordinal
        );

        var trained = Read<EvaluationReport>(At("model/evaluation.json"));
        Assert.Equal(
            trained.TunedScore.Perplexity,
            Read<EvaluationReport>(At("evaluation/evaluation.json")).TunedScore.Perplexity,
            1e-4
        );
        Assert.True(trained.TunedScore.Perplexity < trained.BaseScore.Perplexity);
        Assert.Contains("there is nothing to merge", refused, StringComparison.Ordinal);
        Assert.Contains("closed", written, StringComparison.Ordinal);
    }

    [Fact]
    public void Quantize_FolderThatHoldsSomething_IsLeftAlone()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "mine.txt"), "mine");

        string said = Run(2, "quantize", "--base", SmallDataset.Base, "--out", folder.Path);

        Assert.Contains("is there already", said, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Train_FolderThatHoldsSomethingElse_IsRefusedBeforeAnyWork()
    {
        using var folder = new TemporaryFolder();
        string dataset = Path.Combine(folder.Path, "dataset");
        SmallDataset.Write(dataset, SmallDataset.Rows(60), "training: { epochs: 1 }\n");
        string mine = Path.Combine(folder.Path, "mine");
        Directory.CreateDirectory(mine);
        File.WriteAllText(Path.Combine(mine, "notes.txt"), "mine");

        string said = Run(2, "train", "--base", SmallDataset.Base, "--dataset", dataset, "--out", mine);

        Assert.Contains("is there already", said, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(mine, "notes.txt")));
    }

    private static T Read<T>(string path) => ContractJson.Read<T>(File.ReadAllBytes(path));

    /// <summary>Runs the worker; what it said on both outputs, when it ended as expected.</summary>
    private static string Run(int expected, params string[] arguments)
    {
        (int code, string said, string errors) = WorkerProgram.Run(arguments);
        string output = said + errors;
        Assert.True(code == expected, $"{arguments[0]} ended with {code}: {output}");
        return output;
    }
}
