using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// Grouped-query attention by torch's kernel. Source: Ainslie et al. 2023 (GQA); transformers <c>sdpa_attention.py</c>.
/// </summary>
internal static class Attention
{
    /// <summary>Attends.</summary>
    /// <param name="queries">[batch, heads, n, head size].</param>
    /// <param name="keys">[batch, kv heads, held + n, head size].</param>
    /// <param name="values">The same shape.</param>
    /// <param name="mask">bool [batch or 1, 1, n, held + n], true where seen; <c>null</c>: one token sees all, several
    /// are causal.</param>
    /// <returns>[batch, heads, n, head size].</returns>
    /// <exception cref="ArgumentException">Several tokens after others without a mask.</exception>
    public static Tensor Over(Tensor queries, Tensor keys, Tensor values, Tensor? mask)
    {
        (long[] queryShape, long[] keyShape) = (queries.shape, keys.shape);
        long group = queryShape[1] / keyShape[1];
        if (queryShape[2] == 1)
        {
            // One token a row: heads that share keys stand where tokens would, and nothing is repeated.
            Tensor together = queries.reshape(queryShape[0], keyShape[1], group, queryShape[3]);
            return Kernel(together, keys, values, mask, causal: false).reshape(queryShape);
        }

        if (mask is null && keyShape[2] != queryShape[2])
        {
            throw new ArgumentException("Several tokens with a cache need a mask.", nameof(mask));
        }

        return Kernel(queries, Repeat(keys, group), Repeat(values, group), mask, causal: mask is null);
    }

    private static Tensor Kernel(Tensor queries, Tensor keys, Tensor values, Tensor? mask, bool causal)
    {
        if (queries.device.type != DeviceType.META)
        {
            return nn.functional.scaled_dot_product_attention(queries, keys, values, mask, 0, is_casual: causal);
        }

        // Torch's device without memory has no such kernel: what depends on all of them and has the shape. Tests see
        // there what lies elsewhere.
        Tensor scores = queries.matmul(keys.transpose(2, 3));
        return (mask is null ? scores : scores.mul(mask)).matmul(values);
    }

    private static Tensor Repeat(Tensor heads, long group)
    {
        long[] shape = heads.shape; // [rows, kv heads, longest, head size]
        return group == 1
            ? heads
            : heads
                .unsqueeze(2)
                .expand(shape[0], shape[1], group, shape[2], shape[3])
                .reshape(shape[0], shape[1] * group, shape[2], shape[3]);
    }
}
