using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>What every layer of one pass over packed rows shares.</summary>
/// <param name="Kernels">The kernels.</param>
/// <param name="Groups">Products with LoRA.</param>
/// <param name="Adapter">The matrices.</param>
/// <param name="Config">The model's shape.</param>
/// <param name="Rows">The rows.</param>
/// <param name="Positions">int32 [tokens]: places in their rows.</param>
/// <param name="Cosines">float32 [longest, head size / 2].</param>
/// <param name="Sines">The same shape.</param>
/// <param name="WindowMask">bool [1, 1, longest, longest] of layers with a sliding window; <c>null</c>: causal.</param>
/// <param name="KeepsNorms">Whether the way back finds what the norms gave.</param>
internal sealed record GpuContext(
    GpuKernels Kernels, GroupGradient Groups, GpuAdapter Adapter, LlamaConfig Config, PackedRows Rows, Tensor Positions, Tensor Cosines, Tensor Sines, Tensor? WindowMask, bool KeepsNorms)
{
    public long QueryWidth => (long)Config.Heads * Config.HeadSize;

    public long KeyWidth => (long)Config.KeyValueHeads * Config.HeadSize;

    /// <summary>A layer's mask; <c>null</c>: causal.</summary>
    public Tensor? MaskOf(int layer) => Config.WindowOf(layer) is null ? null : WindowMask;

    /// <summary>Turns queries and keys, which come first in each row, by their positions.</summary>
    public void Turn(Tensor projected, bool backward) => Kernels.Rotate(projected, Config.Heads + Config.KeyValueHeads, Config.HeadSize, Positions, Cosines, Sines, backward);
}
