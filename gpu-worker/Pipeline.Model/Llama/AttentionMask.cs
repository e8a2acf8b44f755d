using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// Who sees whom, from positions. Source of the window: Jiang et al. 2023 (Mistral 7B), section 2; transformers
/// <c>masking_utils.py</c>: a position sees itself and the window - 1 before it.
/// </summary>
internal static class AttentionMask
{
    /// <summary>Narrows a mask to a sliding window.</summary>
    /// <param name="mask">bool [batch or 1, 1, queries, keys]; <c>null</c>: causal.</param>
    /// <param name="queries">int64 [batch or 1, queries]: positions.</param>
    /// <param name="keys">int64 [batch or 1, keys]: positions.</param>
    /// <param name="window">Positions seen, the query's own among them.</param>
    /// <returns>bool [batch or 1, 1, queries, keys].</returns>
    public static Tensor Window(Tensor? mask, Tensor queries, Tensor keys, int window)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor distance = queries.unsqueeze(-1).sub(keys.unsqueeze(1)).unsqueeze(1); // [batch or 1, 1, queries, keys]
        Tensor near = distance.lt(window);
        return near.bitwise_and(mask ?? distance.ge(0)).MoveToOuterDisposeScope();
    }
}
