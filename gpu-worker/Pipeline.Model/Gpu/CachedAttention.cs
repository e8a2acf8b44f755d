using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>Attention for inference: rows side by side with a cache of earlier keys and values.</summary>
/// <param name="config">The model's shape.</param>
/// <param name="rows">Rows of the batch.</param>
/// <param name="mask">bool [batch or 1, 1, n, held + n]; <c>null</c>: one token sees all, several are causal.</param>
/// <param name="window">The same for layers with a sliding window.</param>
/// <param name="cache">Earlier keys and values; <c>null</c>: there are none.</param>
/// <param name="keepInCache">Whether this pass is added to the cache.</param>
internal sealed class CachedAttention(
    LlamaConfig config,
    long rows,
    Tensor? mask,
    Tensor? window,
    KeyValueCache? cache,
    bool keepInCache
) : IGpuAttention
{
    /// <inheritdoc/>
    public (Tensor Output, PackedAttentionTape? Tape) Attend(int layer, Tensor projected, bool keep)
    {
        ArgumentNullException.ThrowIfNull(projected);
        using DisposeScope scope = NewDisposeScope();
        long count = projected.shape[0] / rows;
        // [rows, heads + 2 · kv heads, n, head size]
        Tensor heads = projected.view(rows, count, -1, config.HeadSize).transpose(1, 2);
        (Tensor keys, Tensor values) = (
            heads.narrow(1, config.Heads, config.KeyValueHeads),
            heads.narrow(1, config.Heads + config.KeyValueHeads, config.KeyValueHeads)
        );
        (keys, values) = cache?.Append(layer, keys, values, keepInCache) ?? (keys, values);
        Tensor attended = Attention.Over(
            heads.narrow(1, 0, config.Heads),
            keys,
            values,
            config.WindowOf(layer) is null ? mask : window
        );
        return (
            attended
                .transpose(1, 2)
                .reshape(rows * count, (long)config.Heads * config.HeadSize)
                .MoveToOuterDisposeScope(),
            null
        );
    }
}
