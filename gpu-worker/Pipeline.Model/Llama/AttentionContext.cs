using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>What every layer's attention of one forward pass shares.</summary>
/// <param name="Rotary">cos and sin of the positions.</param>
/// <param name="Mask">bool [batch, 1, queries, keys], true where a query sees a key; <c>null</c>: causal.</param>
/// <param name="WindowMask">The same for layers with a sliding window.</param>
/// <param name="Cache">Keys and values of earlier positions, or <c>null</c>.</param>
/// <param name="KeepInCache">Whether this pass is added to the cache.</param>
/// <param name="DropoutSeed">Seed of what adapters drop; <c>null</c>: nothing.</param>
internal sealed record AttentionContext(
    (Tensor Cos, Tensor Sin) Rotary,
    Tensor? Mask,
    Tensor? WindowMask,
    KeyValueCache? Cache,
    bool KeepInCache,
    uint? DropoutSeed
);
