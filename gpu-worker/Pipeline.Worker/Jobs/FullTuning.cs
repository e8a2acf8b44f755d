using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using Pipeline.Model.Merging;
using Pipeline.Model.Weights;

namespace Pipeline.Worker.Jobs;

/// <summary>All weights of a small base, published as a model of its own in float32.</summary>
internal sealed class FullTuning(PlacedModel placed, TrainAdapterInput job) : Tuning
{
    private readonly FullWeights _weights = FullWeights.From(
        placed.Model,
        job.BaseDirectory,
        (job.Training.Optimizer == OptimizerKind.AdamW8Bit ? 2 : 8)
            + (job.Training.KeepBest || job.Training.EarlyStopping is not null ? 4 : 0),
        placed.Memory
    );

    public override TrainableTensors Trained => _weights;

    public override string WeightsFile => BlobLayout.ModelWeightsFile;

    public override (string Library, string Tag) Card => ("transformers", "full");

    public override ICausalModel ForInference() => placed.Model; // the weights are the model's own

    public override void Write(string directory, string baseName) =>
        CheckpointWriter.WriteMerged(placed.Model, job.BaseDirectory, directory, long.MaxValue);

    public override ProofCheck Moved() =>
        NoneOf("every tensor has moved", [.. _weights.Unmoved()], $"{_weights.Tensors.Count} tensors");

    /// <summary>What transformers' definition of the architecture has, of the config alone.</summary>
    public override (string Check, IReadOnlySet<string> Tensors) Expected()
    {
        LlamaConfig config = placed.Model.Config;
        (long hidden, long queries, long keys) = (
            config.HiddenSize,
            (long)config.Heads * config.HeadSize,
            (long)config.KeyValueHeads * config.HeadSize
        );
        var expected = new HashSet<string>(StringComparer.Ordinal);
        void Add(string name, params long[] shape) => expected.Add($"{name} F32 [{string.Join(", ", shape)}]");
        Add("model.embed_tokens.weight", config.VocabularySize, hidden);
        Add("model.norm.weight", hidden);
        if (!config.TiedEmbeddings)
        {
            Add("lm_head.weight", config.VocabularySize, hidden);
        }

        for (int layer = 0; layer < config.Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            foreach ((string name, long outputs) in ((string, long)[])[("q", queries), ("k", keys), ("v", keys)])
            {
                Add($"{prefix}self_attn.{name}_proj.weight", outputs, hidden);
                if (config.AttentionBias)
                {
                    Add($"{prefix}self_attn.{name}_proj.bias", outputs);
                }
            }

            Add(prefix + "self_attn.o_proj.weight", hidden, queries);
            Add(prefix + "mlp.gate_proj.weight", config.IntermediateSize, hidden);
            Add(prefix + "mlp.up_proj.weight", config.IntermediateSize, hidden);
            Add(prefix + "mlp.down_proj.weight", hidden, config.IntermediateSize);
            Add(prefix + "input_layernorm.weight", hidden);
            Add(prefix + "post_attention_layernorm.weight", hidden);
        }

        return ("keys, shapes and dtypes are the architecture's", expected);
    }

    public override (T Bare, T Read, T Tuned) Compare<T>(string directory, Func<ICausalModel, T> ask)
    {
        T ResultOf(string folder)
        {
            using PlacedModel other = PlacedModel.Load(folder, WeightStorage.Full, job.Gpu, placed.WhyPlain);
            return ask(other.ForInference(null));
        }

        return (ResultOf(job.BaseDirectory), ResultOf(directory), ask(placed.Model));
    }

    public override void Dispose() => _weights.Dispose();
}
