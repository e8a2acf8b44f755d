using System.Globalization;
using System.Security.Cryptography;
using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;
using Pipeline.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Worker.Jobs;

/// <summary>Checks a trained adapter as it was written, not as it is in memory.</summary>
internal sealed class ProofBuilder(
    LlamaConfig config,
    Tuning tuning,
    TrainAdapterInput job,
    LocalDataset dataset,
    ChatEncoder encoder
)
{
    private const int PromptsCompared = 8;
    private const double LogitTolerance = 1e-5; // of the largest logit
    private const double LeastDifference = 1e-4;

    /// <summary>Makes the proof of the files in a folder.</summary>
    /// <param name="directory">Holds the adapter's files.</param>
    /// <param name="stopRate">Share of held-out prompts whose answer ended by itself; <c>null</c>: nothing was
    /// asked.</param>
    public AdapterProof Make(string directory, double? stopRate)
    {
        string weights = Path.Combine(directory, tuning.WeightsFile);
        (ProofCheck reloaded, ProofCheck differs) = CompareLogits(directory);
        return new AdapterProof
        {
            Checks =
            [
                tuning.Moved(),
                KeysAreRight(weights),
                reloaded,
                differs,
                .. stopRate is { } rate ? [Stops(rate)] : Array.Empty<ProofCheck>(),
            ],
            DatasetId = dataset.Manifest.DatasetId,
            Base = HashBase(),
            TrainingSha256 = ContentHash.Sha256(
                ContractJson.WriteUtf8(
                    job.Training with
                    {
                        LearningRate = job.Training.LearningRateFor(config.HiddenSize),
                    }
                )
            ),
            AdapterSha256 = HashFile(weights),
            Code = (
                (Type[])[typeof(LlamaModel), typeof(TrainingLoop), typeof(ChatEncoder), typeof(ProofBuilder)]
            ).ToDictionary(
                t => t.Assembly.GetName().Name!,
                t => t.Module.ModuleVersionId.ToString("N", CultureInfo.InvariantCulture),
                StringComparer.Ordinal
            ),
        };
    }

    private ProofCheck KeysAreRight(string weights)
    {
        (string check, IReadOnlySet<string> expected) = tuning.Expected();
        IReadOnlySet<string> written = Tuning.Written(weights);
        return Tuning.NoneOf(
            check,
            [.. expected.Except(written).Concat(written.Except(expected))],
            $"{written.Count} tensors"
        );
    }

    private (ProofCheck Reloaded, ProofCheck Differs) CompareLogits(string directory)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        IReadOnlyList<int>[] prompts =
        [
            .. dataset
                .Test.Take(PromptsCompared)
                .Select(r =>
                    encoder.Template is PlainTextTemplate
                        ? encoder.Encode(r.Messages).Ids
                        : encoder.EncodeAnswer(r.Messages).Prompt
                ),
        ];
        (Tensor[] bare, Tensor[] read, Tensor[] trained) = tuning.Compare(
            directory,
            model => (Tensor[])[.. prompts.Select(p => Logits(model, p))]
        );
        double size = trained.Max(t => t.abs().max().item<float>());
        double error = trained.Zip(read).Max(p => p.First.sub(p.Second).abs().max().item<float>()) / size;
        double difference = trained.Zip(bare).Max(p => p.First.sub(p.Second).abs().max().item<float>()) / size;
        return (
            new ProofCheck(
                "reloaded logits equal the trainer's",
                error <= LogitTolerance,
                error,
                LogitTolerance,
                "largest difference over the largest logit, on held-out prompts"
            ),
            new ProofCheck(
                "output differs from the base",
                difference >= LeastDifference,
                difference,
                LeastDifference,
                "largest difference over the largest logit, on held-out prompts"
            )
        );
    }

    private static Tensor Logits(ICausalModel model, IReadOnlyList<int> prompt) =>
        model.Logits(model.Forward(tensor([.. prompt.Select(i => (long)i)], [1, prompt.Count]))).cpu();

    private ProofCheck Stops(double stopRate) =>
        new(
            "answers stop by themselves",
            stopRate >= job.Evaluation.MinimumStopRate,
            stopRate,
            job.Evaluation.MinimumStopRate,
            string.Create(
                CultureInfo.InvariantCulture,
                $"share of held-out prompts whose written answer ends in {encoder.Template.EndToken} (evaluation.minimumStopRate)"
            )
        );

    private SortedDictionary<string, string> HashBase() =>
        new(
            Directory
                .EnumerateFiles(job.BaseDirectory)
                .Where(f =>
                    f.EndsWith(".safetensors", StringComparison.Ordinal)
                    || Path.GetFileName(f) is "config.json" or "tokenizer.json" or "tokenizer.model"
                )
                .ToDictionary(f => Path.GetFileName(f), HashFile),
            StringComparer.Ordinal
        );

    private static string HashFile(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
