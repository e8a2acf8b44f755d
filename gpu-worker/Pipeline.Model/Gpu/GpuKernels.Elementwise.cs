using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

// What treats each number, or pair of numbers, by itself: rotary positions, SwiGLU, dropout.
internal sealed partial class GpuKernels
{
    /// <summary>Rotates heads by their positions (RoPE), in place.</summary>
    /// <param name="rows">[rows, at least heads · head size]: the heads come first in each row.</param>
    /// <param name="heads">Heads to rotate.</param>
    /// <param name="headSize">A multiple of 16.</param>
    /// <param name="angles">The positions of the rows, cosines and sines.</param>
    /// <param name="backward">Rotate by the negative angles: the derivative.</param>
    public void Rotate(Tensor rows, int heads, int headSize, RotaryAngles angles, bool backward)
    {
        (Tensor positions, Tensor cosines, Tensor sines) = angles;
        (long count, int packs) = Rows(rows);
        int half = headSize / (2 * NumbersAPack);
        Require(
            headSize % (2 * NumbersAPack) == 0 && (long)heads * headSize <= rows.shape[1],
            "heads of a multiple of 16 numbers, within the row"
        );
        Require(
            positions.dtype == ScalarType.Int32
                && positions.NumberOfElements == count
                && cosines.dtype == ScalarType.Float32
                && cosines.shape[1] == headSize / 2
                && sines.dtype == ScalarType.Float32
                && sines.shape.SequenceEqual(cosines.shape)
                && KernelArgument.Address(cosines) % 16 == 0
                && KernelArgument.Address(sines) % 16 == 0,
            "a position a row, cosines and sines of half a head, from a multiple of 16 bytes on"
        );
        long all = count * heads * half;
        Require(all <= uint.MaxValue, "fewer tokens");
        LaunchElementwise(
            "rotary",
            all,
            [rows, (long)packs, heads, half, positions, cosines, sines, backward ? -1f : 1f, all]
        );
    }

    /// <summary>SwiGLU, <c>silu(gate) · up</c>.</summary>
    /// <param name="gateUp">[rows, 2 · inner]: the gate, then up.</param>
    /// <param name="output">[rows, inner]; <c>null</c>: not wanted.</param>
    /// <param name="dropped">[rows, inner]: gets the output with some dropped; <c>null</c>: not wanted.</param>
    /// <param name="mask">What is dropped.</param>
    public void SwiGlu(Tensor gateUp, Tensor? output, Tensor? dropped = null, DropMask mask = default)
    {
        (int inner, long count) = Gated(
            gateUp,
            output
                ?? dropped
                ?? throw new ArgumentException("Neither the output nor what is left of it is wanted.", nameof(output))
        );
        Same(output ?? dropped!, dropped);
        LaunchElementwise(
            "swiglu_forward",
            count,
            [gateUp, output, dropped, inner, count, mask.Seed, mask.Threshold, mask.Kept]
        );
    }

    /// <summary>
    /// Turns gate and up into the derivatives by them, and the gradient into the output, which the backward pass needs:
    /// as it was read beside, with some dropped, if it was.
    /// </summary>
    /// <param name="gateUp">[rows, 2 · inner].</param>
    /// <param name="gradient">[rows, inner]: derivative by the output.</param>
    /// <param name="dxLora">Derivative by the output with some dropped; <c>null</c>: nothing read that.</param>
    /// <param name="mask">What was dropped.</param>
    public void SwiGluBackward(Tensor gateUp, Tensor gradient, Tensor? dxLora = null, DropMask mask = default)
    {
        (int inner, long count) = Gated(gateUp, gradient);
        Same(gradient, dxLora);
        LaunchElementwise(
            "swiglu_backward",
            count,
            [gateUp, gradient, dxLora, inner, count, mask.Seed, mask.Threshold, mask.Kept]
        );
    }

    /// <summary>Drops as <see cref="Lora.CounterDropout"/> does.</summary>
    /// <param name="input">Contiguous.</param>
    /// <param name="output">The same shape; may be the input.</param>
    /// <param name="mask">What is dropped.</param>
    /// <param name="onto">Whether the result is added to the output, which then holds earlier values.</param>
    public void Dropout(Tensor input, Tensor output, DropMask mask, bool onto)
    {
        Same(input, output);
        long packs = Packs(input);
        LaunchElementwise("dropout", packs, [input, output, packs, mask.Seed, mask.Threshold, mask.Kept, onto]);
    }

    private (int Inner, long Count) Gated(Tensor gateUp, Tensor inner)
    {
        (long rows, int packs) = Rows(inner);
        Rows(gateUp);
        Require(
            gateUp.shape[0] == rows && gateUp.shape[1] == 2 * inner.shape[1] && rows * packs <= uint.MaxValue,
            "gate and up of twice the width, of fewer tokens"
        );
        return (packs, rows * packs);
    }
}
