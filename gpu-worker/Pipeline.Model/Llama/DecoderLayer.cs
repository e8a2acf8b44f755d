using Pipeline.Model.Checkpoints;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>One block: attention and SwiGLU, each behind a norm and added to what came in. Source: Touvron et al. 2023; transformers <c>LlamaDecoderLayer</c>.</summary>
internal sealed class DecoderLayer : IDisposable
{
    private readonly LlamaConfig _config;
    private readonly int _index;
    private readonly RmsNorm _attentionNorm;
    private readonly RmsNorm _feedForwardNorm;
    private readonly Projection _query;
    private readonly Projection _key;
    private readonly Projection _value;
    private readonly Projection _output;
    private readonly Projection _gate;
    private readonly Projection _up;
    private readonly Projection _down;

    public DecoderLayer(CheckpointReader checkpoint, LlamaConfig config, int index, WeightStorage storage)
    {
        (_config, _index) = (config, index);
        string prefix = $"model.layers.{index}.";
        (long hidden, long inner) = (config.HiddenSize, config.IntermediateSize);
        (long queries, long keys) = ((long)config.Heads * config.HeadSize, (long)config.KeyValueHeads * config.HeadSize);
        Projection Linear(string name, long outputs, long inputs, bool bias = false) =>
            new(prefix + name, checkpoint.ReadWeight($"{prefix}{name}.weight", outputs, inputs, storage), bias ? checkpoint.Read($"{prefix}{name}.bias", outputs) : null);
        _attentionNorm = new RmsNorm(checkpoint.Read(prefix + "input_layernorm.weight", hidden), config.RmsNormEpsilon);
        _query = Linear("self_attn.q_proj", queries, hidden, config.AttentionBias);
        _key = Linear("self_attn.k_proj", keys, hidden, config.AttentionBias);
        _value = Linear("self_attn.v_proj", keys, hidden, config.AttentionBias);
        _output = Linear("self_attn.o_proj", hidden, queries);
        _feedForwardNorm = new RmsNorm(checkpoint.Read(prefix + "post_attention_layernorm.weight", hidden), config.RmsNormEpsilon);
        _gate = Linear("mlp.gate_proj", inner, hidden);
        _up = Linear("mlp.up_proj", inner, hidden);
        _down = Linear("mlp.down_proj", hidden, inner);
    }

    public IReadOnlyList<Projection> Projections => [_query, _key, _value, _output, _gate, _up, _down];

    /// <summary>Applies the block.</summary>
    /// <param name="hidden">float32 [batch, n, hidden].</param>
    /// <param name="context">What the layers share.</param>
    public Tensor Forward(Tensor hidden, AttentionContext context)
    {
        Tensor attended = hidden.add(Attend(_attentionNorm.Forward(hidden), context));
        Tensor normed = _feedForwardNorm.Forward(attended);
        Tensor gated = nn.functional.silu(_gate.Forward(normed, context.DropoutSeed)).mul(_up.Forward(normed, context.DropoutSeed)); // [batch, n, inner]
        return attended.add(_down.Forward(gated, context.DropoutSeed));
    }

    public void Dispose()
    {
        _attentionNorm.Dispose();
        _feedForwardNorm.Dispose();
        foreach (Projection projection in Projections)
        {
            projection.Dispose();
        }
    }

    private Tensor Attend(Tensor input, AttentionContext context)
    {
        (long batch, long count) = (input.shape[0], input.shape[1]);
        Tensor Heads(Projection projection, int heads) => projection.Forward(input, context.DropoutSeed).view(batch, count, heads, _config.HeadSize).transpose(1, 2); // [batch, heads, n, head size]
        Tensor queries = RotaryEmbedding.Rotate(Heads(_query, _config.Heads), context.Rotary);
        Tensor keys = RotaryEmbedding.Rotate(Heads(_key, _config.KeyValueHeads), context.Rotary);
        Tensor values = Heads(_value, _config.KeyValueHeads);
        if (context.Cache is not null)
        {
            (keys, values) = context.Cache.Append(_index, keys, values, context.KeepInCache);
        }

        int group = _config.Heads / _config.KeyValueHeads;
        if (group > 1)
        {
            keys = keys.repeat_interleave(group, 1);     // [batch, heads, keys, head size]
            values = values.repeat_interleave(group, 1);
        }

        Tensor? mask = _config.WindowOf(_index) is null ? context.Mask : context.WindowMask;
        Tensor attended = nn.functional.scaled_dot_product_attention(queries, keys, values, mask, 0, is_casual: mask is null); // [batch, heads, n, head size]
        return _output.Forward(attended.transpose(1, 2).reshape(batch, count, (long)_config.Heads * _config.HeadSize), context.DropoutSeed);
    }
}
