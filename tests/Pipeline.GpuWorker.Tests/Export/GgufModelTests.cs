using System.Text.Json.Nodes;
using Pipeline.Evaluation.Scoring;
using Pipeline.Export.Gguf;
using Pipeline.Export.LlamaCpp;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Export;

/// <summary>GGUF files as llama.cpp computes them, against the model that they were written from.</summary>
public sealed class GgufModelTests
{
    private const double Tolerance = 1e-4; // of the largest logit

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Permuted heads, grouped heads, stretched frequencies, biases, tied embeddings.</summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("llama3")]
    [InlineData("mistral")]
    [InlineData("mistral_window")]
    [InlineData("qwen2")]
    public void Logits_OfEveryFamily_AreThoseOfTheModel(string name)
    {
        using var folder = new TemporaryFolder();
        string path = Write(name, folder.Path);
        LlamaConfig config = LlamaConfig.FromDirectory(folder.Path);
        using var model = LlamaModel.Load(folder.Path, WeightStorage.Full);
        using var exported = LlamaCppModel.Open(path, GgufModel.Positions(config));

        foreach (int length in (int[])[1, 7, Math.Min(200, GgufModel.Positions(config))])
        {
            int[] ids = Ids(length, seed: length);
            float[] expected = Logits(model, ids);
            float[] actual = exported.Logits(ids);
            double size = expected.Max(Math.Abs);
            Assert.Equal(expected.Length, actual.Length);
            Assert.InRange(expected.Zip(actual).Max(p => Math.Abs(p.First - p.Second)) / size, 0, Tolerance);
        }
    }

    /// <summary>Zeros beside the feed-forward change nothing, and let every form of blocks be made.</summary>
    [Fact]
    public void Logits_OfAPaddedFeedForward_AreTheSame()
    {
        using var folder = new TemporaryFolder();
        string plain = Write("llama2", folder.Path);
        string padded = Write("llama2", folder.Path, GgufQuantizer.BlockSize);
        using var one = LlamaCppModel.Open(plain, 64);
        using var other = LlamaCppModel.Open(padded, 64);
        int[] ids = Ids(20, seed: 1);

        Assert.True(new FileInfo(padded).Length > new FileInfo(plain).Length);
        Assert.All(one.Logits(ids).Zip(other.Logits(ids)), p => Assert.Equal(p.First, p.Second, 1e-4));
    }

    [Fact]
    public void Scores_OfLabelsAnswersAndWriting_AreThoseOfTheModel()
    {
        using var folder = new TemporaryFolder();
        string path = Write("llama2", folder.Path);
        using var model = LlamaModel.Load(folder.Path, WeightStorage.Full);
        var torch = new TorchAnswers(model);
        using var exported = LlamaCppModel.Open(path, 128);
        int[][] prompts = [.. Enumerable.Range(0, 5).Select(i => Ids(4 + (7 * i), seed: i))];
        // more than are read beside each other, of one token and of several, some with a common beginning
        int[][] answers = [.. Enumerable.Range(0, 37).Select(i => (int[])[.. Ids(1 + (i % 4), seed: 50 + (i / 3)), 2])];

        Same(
            torch.ScoreLabels(prompts, answers, null, Cancellation).SelectMany(s => s),
            exported.ScoreLabels(prompts, answers, null, Cancellation).SelectMany(s => s)
        );
        (IReadOnlyList<int>, IReadOnlyList<int>)[] rows = [.. prompts.Zip(answers, (p, a) => (p, a))];
        Same(torch.ScoreAnswers(rows, null, Cancellation), exported.ScoreAnswers(rows, null, Cancellation));
        Assert.Equal(
            torch.Write(prompts, 12, [2, 3, 4], Cancellation).Select(w => $"{string.Join(' ', w.Ids)} {w.Stopped}"),
            exported.Write(prompts, 12, [2, 3, 4], Cancellation).Select(w => $"{string.Join(' ', w.Ids)} {w.Stopped}")
        );
    }

    [Fact]
    public void Tokenize_OfTheDemosBase_GivesTheBasesIds()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "model.gguf");
        string directory = RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat");
        ChatEncoder encoder = ChatEncoder.FromDirectory(directory);
        GgufModel.Write(directory, encoder, "tiny", GgufNumbers.F16, path);
        using var exported = LlamaCppModel.Open(path, 64);

        Assert.All(
            (string[])
                [
                    "where is my parcel?",
                    "",
                    " two  blanks ",
                    "\ttabs\nand lines",
                    "👍 naïve 東京 \u0000",
                    "<s> [INST] </s> is text",
                    "ends in a blank ",
                    "aaaaaaaaaaaaaaaaaaaa 12345678901234567890",
                ],
            text => Assert.Equal(encoder.Tokenizer.Encode(text), exported.Tokenize(text))
        );
    }

    [Fact]
    public void Open_AFileThatIsNoModel_IsRefusedInWords()
    {
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "model.gguf");
        File.WriteAllText(path, "GGUF, or so it says");

        Assert.StartsWith(
            $"llama.cpp does not read '{path}': ",
            Assert.Throws<InvalidDataException>(() => LlamaCppModel.Open(path, 64)).Message,
            StringComparison.Ordinal
        );
    }

    private static void Same(IEnumerable<double> expected, IEnumerable<double> actual) =>
        Assert.All(expected.Zip(actual), p => Assert.Equal(p.First, p.Second, 2e-3));

    private static int[] Ids(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(3, 500))];
    }

    private static float[] Logits(LlamaModel model, int[] ids)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor hidden = model.Forward(tensor([.. ids.Select(i => (long)i)], [1, ids.Length]));
        return model.Logits(hidden[0, ids.Length - 1]).data<float>().ToArray();
    }

    /// <summary>A small model of reference with a vocabulary of bytes, as F32.</summary>
    private static string Write(string name, string folder, int blockSize = 1)
    {
        foreach (string file in (string[])["config.json", "model.safetensors"])
        {
            File.Copy(RepositoryFiles.At("tests", "Golden", name, file), Path.Combine(folder, file), overwrite: true);
        }

        var vocabulary = new JsonObject
        {
            ["<unk>"] = 0,
            ["<s>"] = 1,
            ["</s>"] = 2,
        };
        for (int i = 0; i < 256; i++)
        {
            vocabulary[$"<0x{i:X2}>"] = 3 + i;
        }

        var tokenizer = new JsonObject
        {
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["byte_fallback"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
            ["normalizer"] = JsonNode.Parse(
                """
                {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
                """
            ),
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
        string path = Path.Combine(folder, $"model-{blockSize}.gguf");
        GgufModel.Write(folder, ChatEncoder.FromDirectory(folder, "llama2"), name, GgufNumbers.F32, path, blockSize);
        return path;
    }
}
