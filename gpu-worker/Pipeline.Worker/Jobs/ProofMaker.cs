using System.Globalization;
using System.Security.Cryptography;
using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Tokenization;
using Pipeline.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Jobs;

/// <summary>Checks a trained adapter as it was written, not as it is in memory.</summary>
internal sealed class ProofMaker(LlamaModel model, LoraAdapter adapter, AdapterJob job, LocalDataset dataset, ChatEncoder encoder)
{
    private const int PromptsCompared = 8;
    private const double LogitTolerance = 1e-5; // of the largest logit
    private const double LeastDifference = 1e-4;

    /// <summary>Makes the proof of the files in a folder.</summary>
    /// <param name="directory">Holds the adapter's files.</param>
    /// <param name="stopRate">Share of held-out prompts whose answer ended by itself.</param>
    public AdapterProof Make(string directory, double stopRate)
    {
        string weights = Path.Combine(directory, BlobLayout.AdapterWeightsFile);
        (ProofCheck reloaded, ProofCheck differs) = CompareLogits(directory);
        return new AdapterProof
        {
            Checks = [BMoved(), KeysAreThePeftOnes(weights), reloaded, differs, Stops(stopRate)],
            DatasetId = dataset.Manifest.DatasetId,
            Base = HashBase(),
            TrainingSha256 = ContentHash.Of(ContractJson.WriteUtf8(job.Training with { LearningRate = job.Training.LearningRateFor(model.Config.HiddenSize) })),
            AdapterSha256 = HashFile(weights),
            Code = ((Type[])[typeof(LlamaModel), typeof(TrainingLoop), typeof(ChatEncoder), typeof(ProofMaker)]).ToDictionary(t => t.Assembly.GetName().Name!, t => t.Module.ModuleVersionId.ToString("N", CultureInfo.InvariantCulture), StringComparer.Ordinal),
        };
    }

    private ProofCheck BMoved()
    {
        string[] still = [.. adapter.Pairs.Where(p => p.Value.B.count_nonzero().item<long>() == 0).Select(p => p.Key)];
        return new ProofCheck("every lora_B is non-zero", still.Length == 0, still.Length, 0, still.Length == 0 ? $"{adapter.Pairs.Count} matrices" : $"zero: {string.Join(", ", still)}");
    }

    /// <summary>The keys that peft makes of model and options, worked out apart from how the adapter names its tensors.</summary>
    private ProofCheck KeysAreThePeftOnes(string weights)
    {
        var expected = new HashSet<string>(StringComparer.Ordinal);
        foreach (Projection projection in model.Projections.Where(p => adapter.Options.Adapts(p.Path)))
        {
            int rank = adapter.Options.RankOf(projection.Path);
            expected.Add($"base_model.model.{projection.Path}.lora_A.weight F32 [{rank}, {projection.In}]");
            expected.Add($"base_model.model.{projection.Path}.lora_B.weight F32 [{projection.Out}, {rank}]");
            if (adapter.Options.UseDora)
            {
                expected.Add($"base_model.model.{projection.Path}.lora_magnitude_vector F32 [{projection.Out}]");
            }
        }

        using SafetensorsFile file = SafetensorsFile.Open(weights);
        HashSet<string> written = [.. file.Entries.Values.Select(e => $"{e.Name} {e.Dtype} [{string.Join(", ", e.Shape)}]")];
        string[] wrong = [.. expected.Except(written).Concat(written.Except(expected))];
        return new ProofCheck("keys, shapes and dtypes are peft's", wrong.Length == 0, wrong.Length, 0, wrong.Length == 0 ? $"{written.Count} tensors" : string.Join("; ", wrong.Take(5)));
    }

    private (ProofCheck Reloaded, ProofCheck Differs) CompareLogits(string directory)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        IReadOnlyList<int>[] prompts = [.. dataset.Test.Take(PromptsCompared).Select(r => encoder.EncodeAnswer(r.Messages).Prompt)];
        using LoraAdapter written = PeftAdapterFiles.Read(directory, model);
        model.Attach(null);
        Tensor[] bare = [.. prompts.Select(Logits)];
        model.Attach(written);
        Tensor[] read = [.. prompts.Select(Logits)];
        model.Attach(adapter);
        Tensor[] trained = [.. prompts.Select(Logits)];
        double size = trained.Max(t => t.abs().max().item<float>());
        double error = trained.Zip(read).Max(p => p.First.sub(p.Second).abs().max().item<float>()) / size;
        double difference = trained.Zip(bare).Max(p => p.First.sub(p.Second).abs().max().item<float>()) / size;
        return (
            new ProofCheck("reloaded logits equal the trainer's", error <= LogitTolerance, error, LogitTolerance, "largest difference over the largest logit, on held-out prompts"),
            new ProofCheck("output differs from the base", difference >= LeastDifference, difference, LeastDifference, "largest difference over the largest logit, on held-out prompts"));
    }

    private Tensor Logits(IReadOnlyList<int> prompt) => model.Logits(model.Forward(tensor([.. prompt.Select(i => (long)i)], [1, prompt.Count])));

    private ProofCheck Stops(double stopRate) => new(
        "answers stop by themselves", stopRate >= job.Evaluation.MinimumStopRate, stopRate, job.Evaluation.MinimumStopRate,
        string.Create(CultureInfo.InvariantCulture, $"share of held-out prompts whose written answer ends in {encoder.Template.EndToken} (evaluation.minimumStopRate)"));

    private SortedDictionary<string, string> HashBase() => new(
        Directory.EnumerateFiles(job.BaseDirectory).Where(f => f.EndsWith(".safetensors", StringComparison.Ordinal) || Path.GetFileName(f) is "config.json" or "tokenizer.json" or "tokenizer.model")
            .ToDictionary(f => Path.GetFileName(f), HashFile), StringComparer.Ordinal);

    private static string HashFile(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
