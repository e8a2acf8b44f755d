using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

// RMSNorm, with the residual before it and dropout after it.
internal sealed partial class GpuKernels
{
    /// <summary>Norms rows, or the sums of two rows, which it then keeps.</summary>
    /// <param name="input">[rows, width].</param>
    /// <param name="weight">[width].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="output">[rows, width]; <c>null</c>: not wanted.</param>
    /// <param name="scales">float32 [rows]: gets the factor of each row.</param>
    /// <param name="fusion">What is done besides.</param>
    public void RmsNorm(
        Tensor input,
        Tensor weight,
        double epsilon,
        Tensor? output,
        Tensor scales,
        NormFusion fusion = default
    )
    {
        (Tensor? added, Tensor? sum, Tensor? dropped, DropMask mask) = fusion;
        (long rows, int packs) = Rows(input);
        Same(input, output, added, sum, dropped);
        Require(
            (added is null) == (sum is null)
                && weight.NumberOfElements == input.shape[1]
                && weight.dtype == Real
                && scales.NumberOfElements == rows
                && scales.dtype == ScalarType.Float32,
            "weight, scales and sum of the input's shape"
        );
        _launcher.Launch(
            "rms_norm_forward",
            rows,
            Threads,
            [
                input,
                added,
                weight,
                sum,
                output,
                dropped,
                scales,
                packs,
                (float)epsilon,
                mask.Seed,
                mask.Threshold,
                mask.Kept,
            ]
        );
    }

    /// <summary>The derivative by the norm's input, onto what comes in beside it.</summary>
    /// <param name="saved">What the forward pass had.</param>
    /// <param name="gradient">Derivative by the output.</param>
    /// <param name="residual">Added; <c>null</c>: nothing.</param>
    /// <param name="output">[rows, width]; may be the residual.</param>
    /// <param name="dxLora">Derivative by the output with some dropped; <c>null</c>: nothing read that.</param>
    /// <param name="mask">What was dropped.</param>
    public void RmsNormBackward(
        SavedNorm saved,
        Tensor gradient,
        Tensor? residual,
        Tensor output,
        Tensor? dxLora = null,
        DropMask mask = default
    )
    {
        (Tensor input, Tensor weight, Tensor scales) = saved;
        (long rows, int packs) = Rows(input);
        Same(input, gradient, residual, output, dxLora);
        Require(
            weight.NumberOfElements == input.shape[1]
                && weight.dtype == Real
                && scales.NumberOfElements == rows
                && scales.dtype == ScalarType.Float32,
            "weight and scales of the input's shape"
        );
        _launcher.Launch(
            "rms_norm_backward",
            rows,
            Threads,
            [input, weight, scales, gradient, dxLora, residual, output, packs, mask.Seed, mask.Threshold, mask.Kept]
        );
    }
}
