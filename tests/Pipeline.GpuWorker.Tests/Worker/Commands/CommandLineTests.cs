using System.Text;
using System.Text.Json.Nodes;
using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Worker.Jobs;

namespace Pipeline.GpuWorker.Tests.Worker.Commands;

/// <summary>
/// The worker's one-shot commands as a user calls them: the real program, one after the other, on one adapter.
/// </summary>
public sealed class CommandLineTests
{
    private const string Prompt = "good morning friend 3";

    [Fact]
    public void Commands_OneAfterTheOther_WorkOnTheSameAdapter()
    {
        using var folder = new CommandFolder(
            SmallDataset.Rows(80),
            "training: { r: 4, epochs: 1, batchSize: 8, warmupSteps: 1 }\nevaluation: { bootstrapSamples: 200 }\n"
        );
        folder.Train("adapter");

        folder.Evaluate("adapter", "evaluation");
        folder.Merge("adapter", "merged", 0, "--max-shard-bytes", "4000000");
        folder.Quantize("merged", "nf4");
        string beside = folder.Generate(null, Prompt, "--adapter", folder.At("adapter"));
        string merged = folder.Generate("merged", Prompt);
        folder.Generate("nf4", Prompt, "--temperature", "0.8", "--top-p", "0.9", "--max-tokens", "4");

        AssertEvaluatedAsInTraining(folder);
        AssertMergedIntoShards(folder);
        Assert.Equal(beside, merged);
    }

    /// <summary>
    /// Added tokens that the embeddings do not have, as after adding [PAD] without resizing: every command says so, and
    /// none reads beyond the matrix.
    /// </summary>
    [Fact]
    public void Commands_TokenizerLargerThanTheEmbeddings_IsRefusedByEach()
    {
        using var bases = new TemporaryFolder();
        string larger = bases.CopyOf(SmallDataset.Base, "larger");
        string tokenizer = Path.Combine(larger, "tokenizer.json");
        JsonNode json = JsonNode.Parse(File.ReadAllText(tokenizer))!;
        foreach ((int index, string token) in ((string[])["<|im_start|>", "<|im_end|>"]).Index())
        {
            json["added_tokens"]!
                .AsArray()
                .Add(
                    new JsonObject
                    {
                        ["id"] = 4096 + index,
                        ["content"] = token,
                        ["single_word"] = false,
                        ["lstrip"] = false,
                        ["rstrip"] = false,
                        ["normalized"] = false,
                        ["special"] = true,
                    }
                );
        }

        File.WriteAllText(tokenizer, json.ToJsonString());
        using var folder = new CommandFolder(
            SmallDataset.Rows(80),
            "training: { r: 4, epochs: 1, batchSize: 8, warmupSteps: 1 }\nevaluation: { bootstrapSamples: 200 }\n"
        );
        string[] dataset = ["--dataset", folder.At("dataset"), "--out", folder.At("out")];
        string adapter = RepositoryFiles.At("tests", "Golden", "lora_llama2");

        foreach (
            string[] command in (string[][])
                [
                    ["generate", "--base", larger, "--prompt", Prompt, "--max-tokens", "4"],
                    ["train", "--base", larger, .. dataset],
                    ["evaluate", "--base", larger, "--adapter", adapter, .. dataset],
                    ["merge", "--base", larger, "--adapter", adapter, .. dataset],
                    ["quantize", "--base", larger, "--out", folder.At("nf4")],
                ]
        )
        {
            Assert.Contains(
                "has 4098 ids where the model has 4096.",
                CommandFolder.Run(2, command),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public void Commands_OnAFullyTrainedModel_TakeItInPlaceOfAnAdapter()
    {
        string texts = string.Join(
            "\n\n",
            Enumerable.Range(0, 40).Select(i => $"The valve {i} must be closed before pump {i + 1} starts.")
        );
        using var folder = new CommandFolder(
            Encoding.UTF8.GetBytes(texts),
            "task: text\n"
                + "training: { method: full, optimizer: adamw8bit, epochs: 2, batchSize: 8, warmupSteps: 1 }\n"
                + "evaluation: { bootstrapSamples: 200 }\n",
            "manual.txt"
        );
        folder.Train("model");

        folder.Evaluate("model", "evaluation");
        string refused = folder.Merge("model", "merged", expected: 2);
        string written = folder.Generate("model", "The valve 3 must be", "--template", "text", "--max-tokens", "3");
        // An existing folder is never replaced: this would be the base itself.
        Assert.Contains(
            "is there already",
            folder.Train("model", model: "model", expected: 2),
            StringComparison.Ordinal
        );

        var trained = folder.Read<EvaluationReport>("model/evaluation.json");
        Assert.Equal(
            trained.TunedScore.Perplexity,
            folder.Read<EvaluationReport>("evaluation/evaluation.json").TunedScore.Perplexity,
            1e-4
        );
        Assert.True(trained.TunedScore.Perplexity < trained.BaseScore.Perplexity);
        Assert.Contains("there is nothing to merge", refused, StringComparison.Ordinal);
        Assert.Contains("closed", written, StringComparison.Ordinal);
    }

    [Fact]
    public void Generate_PromptLongerThanTheBaseReads_SaysBothNumbers() =>
        Assert.Matches(
            @"The prompt has \d{3,} tokens; the base in '.*' reads at most 512",
            CommandFolder.Run(
                2,
                "generate",
                "--base",
                RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat"),
                "--prompt",
                string.Join(' ', Enumerable.Repeat("a garden", 400))
            )
        );

    [Fact]
    public void Quantize_FolderThatHoldsSomething_IsLeftAlone()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, "mine.txt"), "mine");

        string output = CommandFolder.Run(2, "quantize", "--base", SmallDataset.Base, "--out", folder.Path);

        Assert.Contains("is there already", output, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Train_FolderThatHoldsSomethingElse_IsRefusedBeforeAnyWork()
    {
        using var folder = new CommandFolder(SmallDataset.Rows(60), "training: { epochs: 1 }\n");
        string mine = folder.At("mine");
        Directory.CreateDirectory(mine);
        File.WriteAllText(Path.Combine(mine, "notes.txt"), "mine");

        string output = folder.Train("mine", expected: 2);

        Assert.Contains("is there already", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(mine, "notes.txt")));
    }

    private static void AssertEvaluatedAsInTraining(CommandFolder folder)
    {
        var trained = folder.Read<EvaluationReport>("adapter/evaluation.json");
        var evaluated = folder.Read<EvaluationReport>("evaluation/evaluation.json");
        Assert.Equal(trained.TunedScore.Accuracy, evaluated.TunedScore.Accuracy);
        Assert.Equal(trained.TunedScore.Perplexity, evaluated.TunedScore.Perplexity, 1e-4);
        Assert.Null(evaluated.Training);
    }

    private static void AssertMergedIntoShards(CommandFolder folder)
    {
        var merge = folder.Read<MergeReport>("merged/merge.json");
        Assert.True(merge.Dequantized);
        Assert.Equal(0, merge.RowsThatDiffer);
        Assert.True(merge.LargestDifference < 1e-3, $"{merge.LargestDifference}");
        Assert.True(Directory.EnumerateFiles(folder.At("merged"), "model-*.safetensors").Count() > 1);
        Assert.Contains(
            "Merged into tiny-llama-chat, dequantised from NF4",
            File.ReadAllText(folder.At("merged/report.html")),
            StringComparison.Ordinal
        );
    }
}
