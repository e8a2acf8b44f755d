using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Causal attention of packed rows in training: each token sees its own row. Rows of several lengths are scattered side
/// by side for torch's flash kernel; no mask is made, since padding stands after every token of its row.
/// </summary>
/// <param name="kernels">Gather rows.</param>
/// <param name="config">The model's shape.</param>
/// <param name="batch">The rows.</param>
/// <param name="window">bool [1, 1, longest, longest] of layers with a sliding window that is shorter than the rows;
/// <c>null</c>: there are none.</param>
internal sealed class PackedAttention(GpuKernels kernels, LlamaConfig config, GpuBatch batch, Tensor? window)
    : IGpuAttention
{
    /// <inheritdoc/>
    public (Tensor Output, PackedAttentionTape? Tape) Attend(int layer, Tensor projected, bool keep)
    {
        ArgumentNullException.ThrowIfNull(projected);
        using DisposeScope scope = NewDisposeScope();
        Tensor sideBySide = batch.TokenOfSlot is null ? projected : Gathered(projected, batch.TokenOfSlot, batch.Slots);
        (long queries, long keys) = (
            (long)config.Heads * config.HeadSize,
            (long)config.KeyValueHeads * config.HeadSize
        );
        Tensor[] inputs = [.. sideBySide.split([queries, keys, keys], 1).Select(p => Heads(p).detach())];
        Array.ForEach(inputs, i => i.requires_grad_(keep));
        using IDisposable recorded = set_grad_enabled(keep);
        // [rows, heads, longest, head size]
        Tensor output = Attention.Over(inputs[0], inputs[1], inputs[2], config.WindowOf(layer) is null ? null : window);
        using IDisposable frozen = no_grad();
        Tensor flat = Flat(output.detach());
        flat = (
            batch.SlotOfToken is null ? flat : Gathered(flat, batch.SlotOfToken, batch.Count)
        ).MoveToOuterDisposeScope();
        if (!keep)
        {
            return (flat, null);
        }

        Array.ForEach(inputs, i => i.DetachFromDisposeScope());
        return (flat, new PackedAttentionTape(this, inputs, output.DetachFromDisposeScope()));
    }

    /// <summary>
    /// The derivative by what came in, [tokens, query width + 2 · key width], in the caller's dispose scope.
    /// </summary>
    /// <param name="inputs">Queries, keys and values, leaves.</param>
    /// <param name="output">With its graph.</param>
    /// <param name="gradient">[tokens, query width]: derivative by the output.</param>
    public Tensor Backward(Tensor[] inputs, Tensor output, Tensor gradient)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sideBySide = batch.TokenOfSlot is null ? gradient : Gathered(gradient, batch.TokenOfSlot, batch.Slots);
        Tensor[] parts = [.. autograd.grad([output], inputs, [Heads(sideBySide)]).Select(Flat)];
        if (batch.SlotOfToken is null)
        {
            return cat(parts, 1).MoveToOuterDisposeScope();
        }

        Tensor whole = empty(batch.Count, parts.Sum(p => p.shape[1]), dtype: gradient.dtype, device: gradient.device);
        long at = 0;
        foreach (Tensor part in parts)
        {
            kernels.Gather(part, batch.SlotOfToken, whole.narrow(1, at, part.shape[1]));
            at += part.shape[1];
        }

        return whole.MoveToOuterDisposeScope();
    }

    private Tensor Gathered(Tensor input, Tensor index, long rows)
    {
        Tensor output = empty(rows, input.shape[1], dtype: input.dtype, device: input.device);
        kernels.Gather(input, index, output);
        return output;
    }

    private Tensor Heads(Tensor sideBySide) =>
        sideBySide
            .view(batch.Lengths.Count, batch.Longest, sideBySide.shape[1] / config.HeadSize, config.HeadSize)
            .transpose(1, 2);

    private static Tensor Flat(Tensor heads)
    {
        long[] shape = heads.shape; // [rows, heads, longest, head size]
        return heads.transpose(1, 2).reshape(shape[0] * shape[2], shape[1] * shape[3]);
    }
}

/// <summary>What attention's derivative needs.</summary>
/// <param name="attention">Whose it is.</param>
/// <param name="inputs">Queries, keys and values, leaves.</param>
/// <param name="output">With its graph.</param>
internal sealed class PackedAttentionTape(PackedAttention attention, Tensor[] inputs, Tensor output) : IDisposable
{
    /// <summary>The derivative by queries, keys and values side by side, in the caller's dispose scope.</summary>
    /// <param name="gradient">[tokens, query width]: derivative by the output.</param>
    public Tensor Backward(Tensor gradient) => attention.Backward(inputs, output, gradient);

    public void Dispose()
    {
        Array.ForEach(inputs, i => i.Dispose());
        output.Dispose();
    }
}
