using Pipeline.Model.Checkpoints;
using Pipeline.Model.Weights;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// One block: attention and SwiGLU, each after a norm and added to what came in. Source: Touvron et al. 2023;
/// transformers <c>LlamaDecoderLayer</c>.
/// </summary>
internal sealed class DecoderLayer : IDisposable
{
    private readonly LlamaConfig _config;

    public DecoderLayer(
        CheckpointReader checkpoint,
        LlamaConfig config,
        int index,
        WeightStorage storage,
        Device? quantizer
    )
    {
        (_config, Index) = (config, index);
        string prefix = $"model.layers.{index}.";
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        (long queries, long keys) = (
            (long)config.Heads * config.HeadSize,
            (long)config.KeyValueHeads * config.HeadSize
        );
        Projection Linear(string name, long outputs, long inputs, bool bias = false) =>
            new(
                prefix + name,
                checkpoint.ReadWeight($"{prefix}{name}.weight", outputs, inputs, storage, quantizer),
                bias ? checkpoint.Read($"{prefix}{name}.bias", outputs) : null
            );
        AttentionNorm = new RmsNorm(checkpoint.Read(prefix + "input_layernorm.weight", hidden), config.RmsNormEpsilon);
        Query = Linear("self_attn.q_proj", queries, hidden, config.AttentionBias);
        Key = Linear("self_attn.k_proj", keys, hidden, config.AttentionBias);
        Value = Linear("self_attn.v_proj", keys, hidden, config.AttentionBias);
        Output = Linear("self_attn.o_proj", hidden, queries);
        FeedForwardNorm = new RmsNorm(
            checkpoint.Read(prefix + "post_attention_layernorm.weight", hidden),
            config.RmsNormEpsilon
        );
        Gate = Linear("mlp.gate_proj", inner, hidden);
        Up = Linear("mlp.up_proj", inner, hidden);
        Down = Linear("mlp.down_proj", hidden, inner);
    }

    /// <summary>The layer's place, from 0.</summary>
    public int Index { get; }
    public RmsNorm AttentionNorm { get; }
    public RmsNorm FeedForwardNorm { get; }
    public Projection Query { get; }
    public Projection Key { get; }
    public Projection Value { get; }
    public Projection Output { get; }
    public Projection Gate { get; }
    public Projection Up { get; }
    public Projection Down { get; }

    public IReadOnlyList<Projection> Projections => [Query, Key, Value, Output, Gate, Up, Down];

    /// <summary>Applies the block.</summary>
    /// <param name="hidden">float32 [batch, n, hidden].</param>
    /// <param name="context">What the layers share.</param>
    public Tensor Forward(Tensor hidden, AttentionContext context)
    {
        Tensor attended = hidden.add(Attend(AttentionNorm.Forward(hidden), context));
        Tensor normed = FeedForwardNorm.Forward(attended);
        Tensor gated = nn
            .functional.silu(Gate.Forward(normed, context.DropoutSeed))
            .mul(Up.Forward(normed, context.DropoutSeed)); // [batch, n, inner]
        return attended.add(Down.Forward(gated, context.DropoutSeed));
    }

    public void Dispose()
    {
        AttentionNorm.Dispose();
        FeedForwardNorm.Dispose();
        foreach (Projection projection in Projections)
        {
            projection.Dispose();
        }
    }

    private Tensor Attend(Tensor input, AttentionContext context)
    {
        (long batch, long count) = (input.shape[0], input.shape[1]);
        Tensor Heads(Projection projection, int heads) =>
            // [batch, heads, n, head size]
            projection.Forward(input, context.DropoutSeed).view(batch, count, heads, _config.HeadSize).transpose(1, 2);
        Tensor queries = RotaryEmbedding.Rotate(Heads(Query, _config.Heads), context.Rotary);
        Tensor keys = RotaryEmbedding.Rotate(Heads(Key, _config.KeyValueHeads), context.Rotary);
        Tensor values = Heads(Value, _config.KeyValueHeads);
        if (context.Cache is not null)
        {
            (keys, values) = context.Cache.Append(Index, keys, values, context.KeepInCache);
        }

        Tensor attended = Attention.Over(
            queries,
            keys,
            values,
            _config.WindowOf(Index) is null ? context.Mask : context.WindowMask
        ); // [batch, heads, n, head size]
        return Output.Forward(
            attended.transpose(1, 2).reshape(batch, count, (long)_config.Heads * _config.HeadSize),
            context.DropoutSeed
        );
    }
}
