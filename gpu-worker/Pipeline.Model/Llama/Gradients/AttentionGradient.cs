using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// Causal attention of packed rows: laid side by side for torch's kernel, whose derivative is torch's too. Definition:
/// <c>DecoderLayer.Attend</c>.
/// </summary>
internal sealed class AttentionGradient : IDisposable
{
    private readonly Tensor[] _inputs; // queries, keys, values: float32 [rows, heads, longest, head size], leaves
    private readonly Tensor _output; // float32 [rows, heads, longest, head size], with its graph
    private readonly PackedRows _rows;

    private AttentionGradient(PackedRows rows, Tensor[] inputs, Tensor output)
    {
        (_rows, _inputs, _output) = (rows, inputs, output);
    }

    /// <summary>Attends.</summary>
    /// <param name="rows">Which token belongs to which row.</param>
    /// <param name="projected">Queries, keys and values, float32 [tokens, heads · head size], turned by RoPE.</param>
    /// <param name="headSize">Numbers a head.</param>
    /// <param name="mask">bool [1, 1, longest, longest]; <c>null</c>: causal.</param>
    /// <param name="keep">Whether a backward pass follows.</param>
    /// <returns>float32 [tokens, heads · head size], and what the derivative needs; the caller disposes it.</returns>
    public static (Tensor Output, AttentionGradient? Tape) Forward(
        PackedRows rows,
        Tensor[] projected,
        int headSize,
        Tensor? mask,
        bool keep
    )
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] inputs = [.. projected.Select(p => Heads(rows, rows.Pad(p), headSize).detach())];
        Tensor output;
        if (keep)
        {
            Array.ForEach(inputs, i => i.requires_grad_());
            using IDisposable recorded = enable_grad();
            output = Attention.Over(inputs[0], inputs[1], inputs[2], mask);
        }
        else
        {
            output = Attention.Over(inputs[0], inputs[1], inputs[2], mask);
        }

        Tensor flat = rows.Unpad(Flat(output.detach())).MoveToOuterDisposeScope();
        if (!keep)
        {
            return (flat, null);
        }

        Array.ForEach(inputs, i => i.DetachFromDisposeScope());
        return (flat, new AttentionGradient(rows, inputs, output.DetachFromDisposeScope()));
    }

    /// <summary>
    /// The derivatives by queries, keys and values, float32 [tokens, heads · head size], in the caller's dispose scope.
    /// </summary>
    /// <param name="gradient">float32 [tokens, heads · head size]: derivative by the output.</param>
    /// <param name="headSize">Numbers a head.</param>
    public Tensor[] Backward(Tensor gradient, int headSize)
    {
        using DisposeScope scope = NewDisposeScope();
        IList<Tensor> gradients = autograd.grad(
            [_output],
            _inputs,
            [Heads(_rows, _rows.PadWithZeros(gradient), headSize)]
        );
        return [.. gradients.Select(g => _rows.Unpad(Flat(g)).contiguous().MoveToOuterDisposeScope())];
    }

    public void Dispose()
    {
        Array.ForEach(_inputs, i => i.Dispose());
        _output.Dispose();
    }

    private static Tensor Heads(PackedRows rows, Tensor padded, int headSize) =>
        padded.view(rows.Lengths.Count, rows.Longest, padded.shape[1] / headSize, headSize).transpose(1, 2);

    private static Tensor Flat(Tensor heads)
    {
        long[] shape = heads.shape; // [rows, heads, longest, head size]
        return heads.transpose(1, 2).reshape(shape[0] * shape[2], shape[1] * shape[3]);
    }
}
