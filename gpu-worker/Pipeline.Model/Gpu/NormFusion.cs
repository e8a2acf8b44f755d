using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>What the kernel of a norm does besides: it adds before, and drops after. <c>default</c>: neither.</summary>
/// <param name="Added">[rows, width], added to the input before; <c>null</c>: nothing.</param>
/// <param name="Sum">Gets the sum; may be the input or what was added. <c>null</c> where nothing is added.</param>
/// <param name="Dropped">[rows, width]: gets the output with some dropped; <c>null</c>: not wanted.</param>
/// <param name="Mask">What is dropped.</param>
internal readonly record struct NormFusion(
    Tensor? Added = null,
    Tensor? Sum = null,
    Tensor? Dropped = null,
    DropMask Mask = default
);

/// <summary>What the derivative of a norm reads of the forward pass.</summary>
/// <param name="Input">[rows, width]: what was normed.</param>
/// <param name="Weight">[width].</param>
/// <param name="Scales">float32 [rows]: the factor of each row, which the forward pass gave.</param>
internal readonly record struct SavedNorm(Tensor Input, Tensor Weight, Tensor Scales);
