using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// The kernels of a decoder block, each on tensors whose shapes were looked at. Matrices are [rows, width] with widths that
/// are multiples of eight; all are of the launcher's numbers unless said otherwise. Definitions: <see cref="KernelTwins"/>.
/// </summary>
internal sealed class GpuKernels : IDisposable
{
    private const int Threads = 256;
    private const int NumbersAPack = 8;
    private readonly IKernelLauncher _launcher;
    private readonly Tensor _absmaxCode; // float32 [256]

    /// <summary>On a device.</summary>
    /// <param name="launcher">Runs them; owned.</param>
    /// <param name="device">Where the tensors lie.</param>
    public GpuKernels(IKernelLauncher launcher, Device device)
    {
        _launcher = launcher;
        _absmaxCode = tensor(DynamicCode.OfBothSigns(), device: device).DetachFromDisposeScope();
    }

    /// <summary>The numbers that the tensors hold.</summary>
    public ScalarType Real => _launcher.Real;

    /// <summary>A matrix in NF4 to numbers.</summary>
    /// <param name="weight">Its codes on the device; values a multiple of eight.</param>
    /// <param name="output">As many numbers, contiguous.</param>
    public void Dequantize(Nf4Weight weight, Tensor output)
    {
        long packs = Packs(output);
        Require(weight.Count == output.NumberOfElements, "as many numbers as the matrix has");
        Spread("nf4_dequantize", packs, [weight.Codes, weight.Absmax, weight.AbsmaxScale, _absmaxCode, weight.Offset, output, packs]);
    }

    /// <summary>Norms rows, or the sums of two rows, which it then keeps.</summary>
    /// <param name="input">[rows, width].</param>
    /// <param name="weight">[width].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="output">[rows, width].</param>
    /// <param name="scales">float32 [rows]: the factor of each row.</param>
    /// <param name="added">[rows, width], added to the input before; <c>null</c>: nothing.</param>
    /// <param name="sum">Gets the sum; may be the input or what was added.</param>
    public void RmsNorm(Tensor input, Tensor weight, double epsilon, Tensor output, Tensor scales, Tensor? added = null, Tensor? sum = null)
    {
        (long rows, int packs) = Rows(input);
        Same(input, output, added, sum);
        Require((added is null) == (sum is null) && weight.NumberOfElements == input.shape[1] && weight.dtype == Real && scales.NumberOfElements == rows && scales.dtype == ScalarType.Float32, "weight, scales and sum of the input's shape");
        _launcher.Launch("rms_norm_forward", rows, Threads, [input, added, weight, sum, output, scales, packs, (float)epsilon]);
    }

    /// <summary>The derivative by the norm's input, onto what comes in beside it.</summary>
    /// <param name="input">What was normed.</param>
    /// <param name="weight">[width].</param>
    /// <param name="scales">What the way there gave.</param>
    /// <param name="gradient">Derivative by the output.</param>
    /// <param name="residual">Added; <c>null</c>: nothing.</param>
    /// <param name="output">[rows, width]; may be the residual.</param>
    public void RmsNormBackward(Tensor input, Tensor weight, Tensor scales, Tensor gradient, Tensor? residual, Tensor output)
    {
        (long rows, int packs) = Rows(input);
        Same(input, gradient, residual, output);
        Require(weight.NumberOfElements == input.shape[1] && weight.dtype == Real && scales.NumberOfElements == rows && scales.dtype == ScalarType.Float32, "weight and scales of the input's shape");
        _launcher.Launch("rms_norm_backward", rows, Threads, [input, weight, scales, gradient, residual, output, packs]);
    }

    /// <summary>Turns heads by their positions, in place.</summary>
    /// <param name="rows">[rows, at least heads · head size]: the heads come first in each row.</param>
    /// <param name="heads">Heads to turn.</param>
    /// <param name="headSize">A multiple of 16.</param>
    /// <param name="positions">int32 [rows].</param>
    /// <param name="cosines">float32 [positions, head size / 2].</param>
    /// <param name="sines">The same shape.</param>
    /// <param name="backward">Turn back.</param>
    public void Rotate(Tensor rows, int heads, int headSize, Tensor positions, Tensor cosines, Tensor sines, bool backward)
    {
        (long count, int packs) = Rows(rows);
        int half = headSize / (2 * NumbersAPack);
        Require(headSize % (2 * NumbersAPack) == 0 && (long)heads * headSize <= rows.shape[1], "heads of a multiple of 16 numbers, within the row");
        Require(positions.dtype == ScalarType.Int32 && positions.NumberOfElements == count && cosines.dtype == ScalarType.Float32 && cosines.shape[1] == headSize / 2 && sines.shape.SequenceEqual(cosines.shape), "a position a row, cosines and sines of half a head");
        long all = count * heads * half;
        Require(all <= uint.MaxValue, "fewer tokens");
        Spread("rotary", all, [rows, (long)packs, heads, half, positions, cosines, sines, backward ? -1f : 1f, all]);
    }

    /// <summary>Gates.</summary>
    /// <param name="gateUp">[rows, 2 · inner]: the gate, then up.</param>
    /// <param name="output">[rows, inner].</param>
    public void SwiGlu(Tensor gateUp, Tensor output)
    {
        (int inner, long count) = Gated(gateUp, output);
        Spread("swiglu_forward", count, [gateUp, output, inner, count]);
    }

    /// <summary>Turns gate and up into the derivatives by them, and the gradient into the output, which the way back needs.</summary>
    /// <param name="gateUp">[rows, 2 · inner].</param>
    /// <param name="gradient">[rows, inner]: derivative by the output.</param>
    public void SwiGluBackward(Tensor gateUp, Tensor gradient)
    {
        (int inner, long count) = Gated(gateUp, gradient);
        Spread("swiglu_backward", count, [gateUp, gradient, inner, count]);
    }

    /// <summary>Drops as <see cref="Adapters.CounterDropout"/> does.</summary>
    /// <param name="input">Contiguous.</param>
    /// <param name="output">The same shape; may be the input.</param>
    /// <param name="probability">0 to below 1.</param>
    /// <param name="seed">The mask's.</param>
    /// <param name="onto">Whether the result is added to what is there.</param>
    public void Dropout(Tensor input, Tensor output, double probability, uint seed, bool onto)
    {
        Same(input, output);
        long packs = Packs(input);
        Spread("dropout", packs, [input, output, packs, seed, (uint)(probability * 4294967296.0), (float)(1 / (1 - probability)), onto]);
    }

    /// <summary>The loss of rows of logits, and its derivative in their place.</summary>
    /// <param name="logits">[rows, stride]: each row begins with the vocabulary; the stride is a multiple of eight.</param>
    /// <param name="vocabulary">Numbers a row that count.</param>
    /// <param name="targets">int64 [rows]: the right token, within the vocabulary.</param>
    /// <param name="losses">float32 [rows]: nats.</param>
    /// <param name="weight">Factor of the derivative.</param>
    public void CrossEntropy(Tensor logits, int vocabulary, Tensor targets, Tensor losses, double weight)
    {
        (long rows, int packs) = Rows(logits);
        Require(vocabulary > 0 && vocabulary <= logits.shape[1] && targets.dtype == ScalarType.Int64 && targets.NumberOfElements == rows && losses.dtype == ScalarType.Float32 && losses.NumberOfElements == rows, "a target and a loss a row");
        _launcher.Launch("cross_entropy", rows, Threads, [logits, targets, losses, vocabulary, (long)packs * NumbersAPack, (float)weight]);
    }

    /// <summary>Sums of squares of parts, whose sum is that of all.</summary>
    /// <param name="values">Contiguous.</param>
    /// <param name="sums">float32, of any length.</param>
    public void SumOfSquares(Tensor values, Tensor sums)
    {
        Require(values.dtype == Real && values.is_contiguous() && sums.dtype == ScalarType.Float32, "numbers and float32 sums");
        _launcher.Launch("sum_of_squares", sums.NumberOfElements, Threads, [values, sums, values.NumberOfElements]);
    }

    /// <summary>A step of AdamW; clears the gradients.</summary>
    /// <param name="values">float32 [n].</param>
    /// <param name="first">float32 [n]: running mean of gradients.</param>
    /// <param name="second">float32 [n]: running mean of their squares.</param>
    /// <param name="gradients">[n].</param>
    /// <param name="copies">[n]: gets the values, rounded.</param>
    /// <param name="decayed">How many of the numbers, from the first on, decay.</param>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="weightDecay">Decoupled.</param>
    /// <param name="clip">float32 [1]: factor of the gradients.</param>
    public void AdamW(Tensor values, Tensor first, Tensor second, Tensor gradients, Tensor copies, long decayed, int step, double learningRate, double weightDecay, Tensor clip)
    {
        long count = values.NumberOfElements;
        Require(((Tensor[])[values, first, second]).All(t => t.dtype == ScalarType.Float32 && t.NumberOfElements == count) && ((Tensor[])[gradients, copies]).All(t => t.dtype == Real && t.NumberOfElements == count) && clip.dtype == ScalarType.Float32, "moments, gradients and copies of the values' length");
        Spread("adamw", count,
        [
            values, first, second, gradients, copies, count, decayed, (float)(1 - (learningRate * weightDecay)), (float)(learningRate / (1 - Math.Pow(0.9, step))), (float)(1 / Math.Sqrt(1 - Math.Pow(0.999, step))), 1e-8f, clip,
        ]);
    }

    public void Dispose()
    {
        _absmaxCode.Dispose();
        _launcher.Dispose();
    }

    private void Spread(string kernel, long work, ReadOnlySpan<KernelArgument> arguments) =>
        _launcher.Launch(kernel, Math.Clamp((work + Threads - 1) / Threads, 1, _launcher.MostBlocks), Threads, arguments);

    private (int Inner, long Count) Gated(Tensor gateUp, Tensor inner)
    {
        (long rows, int packs) = Rows(inner);
        Rows(gateUp);
        Require(gateUp.shape[0] == rows && gateUp.shape[1] == 2 * inner.shape[1] && rows * packs <= uint.MaxValue, "gate and up of twice the width, of fewer tokens");
        return (packs, rows * packs);
    }

    private (long Rows, int Packs) Rows(Tensor matrix)
    {
        Packs(matrix);
        Require(matrix.dim() == 2 && matrix.shape[1] % NumbersAPack == 0, "a matrix whose width is a multiple of eight");
        return (matrix.shape[0], (int)(matrix.shape[1] / NumbersAPack));
    }

    private long Packs(Tensor values)
    {
        Require(values.dtype == Real && values.is_contiguous() && values.NumberOfElements % NumbersAPack == 0 && KernelArgument.Address(values) % 16 == 0, $"contiguous {Real} numbers, a multiple of eight, from a multiple of 16 bytes on");
        return values.NumberOfElements / NumbersAPack;
    }

    private void Same(Tensor one, params ReadOnlySpan<Tensor?> others)
    {
        foreach (Tensor? other in others)
        {
            Require(other is null || (other.dtype == Real && other.is_contiguous() && other.shape.SequenceEqual(one.shape)), "tensors of one shape");
        }
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new ArgumentException($"The kernel takes {what}.");
        }
    }
}
