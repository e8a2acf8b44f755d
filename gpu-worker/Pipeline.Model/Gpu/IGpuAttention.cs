using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>Who sees whom in a pass on the device.</summary>
internal interface IGpuAttention
{
    /// <summary>Attends.</summary>
    /// <param name="layer">The layer's place, from 0.</param>
    /// <param name="projected">[tokens, query width + 2 · key width]: queries, keys and values, turned by RoPE; must
    /// stay as it is while the tape lives.</param>
    /// <param name="keep">Whether a backward pass follows.</param>
    /// <returns>[tokens, query width], and what the derivative needs; the caller disposes it.</returns>
    (Tensor Output, PackedAttentionTape? Tape) Attend(int layer, Tensor projected, bool keep);
}
