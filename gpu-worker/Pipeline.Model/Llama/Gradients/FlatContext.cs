using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>What every layer of one pass over packed rows shares.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="HeadSize">Numbers a head.</param>
/// <param name="Cos">[longest, head size / 2].</param>
/// <param name="Sin">The same shape.</param>
/// <param name="MaskOf">A layer's mask, bool [1, 1, longest, longest]; <c>null</c>: causal.</param>
/// <param name="DropoutSeed">Seed of what adapters drop; <c>null</c>: nothing.</param>
internal sealed record FlatContext(PackedRows Rows, int HeadSize, float[] Cos, float[] Sin, Func<int, Tensor?> MaskOf, uint? DropoutSeed);
