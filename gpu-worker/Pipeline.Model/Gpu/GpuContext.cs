using Pipeline.Model.Checkpoints;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>What every layer of one pass over tokens shares.</summary>
/// <param name="Kernels">The kernels.</param>
/// <param name="Groups">Products with LoRA.</param>
/// <param name="Adapter">The matrices; <c>null</c>: the base alone.</param>
/// <param name="Config">The model's shape.</param>
/// <param name="Attention">Who sees whom.</param>
/// <param name="Positions">int32 [tokens]: places in their rows.</param>
/// <param name="Rotary">cos and sin, float32 [positions, head size / 2] each.</param>
/// <param name="KeepsNorms">Whether the backward pass finds what the norms gave.</param>
internal sealed record GpuContext(
    GpuKernels Kernels,
    GpuLoraGradient Groups,
    GpuAdapter? Adapter,
    LlamaConfig Config,
    IGpuAttention Attention,
    Tensor Positions,
    (Tensor Cosines, Tensor Sines) Rotary,
    bool KeepsNorms
)
{
    /// <summary>Rotates queries and keys, which come first in each row, by their positions.</summary>
    public void ApplyRotary(Tensor projected, bool backward) =>
        Kernels.Rotate(
            projected,
            Config.Heads + Config.KeyValueHeads,
            Config.HeadSize,
            new RotaryAngles(Positions, Rotary.Cosines, Rotary.Sines),
            backward
        );
}
