using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// The kernels of a decoder block, each on tensors whose shapes were looked at. Matrices are [rows, width] with widths
/// that are multiples of eight; all are of the launcher's numbers unless said otherwise. Definitions:
/// <see cref="KernelReference"/>.
/// </summary>
internal sealed class GpuKernels : IDisposable
{
    private const int Threads = 256;
    private const int NumbersAPack = 8;
    private const int WarpsABlock = Threads / 32;
    private readonly IKernelLauncher _launcher;
    private readonly Tensor _absmaxCode; // float32 [256]
    private readonly Tensor _positives; // float32 [256]

    /// <summary>On a device.</summary>
    /// <param name="launcher">Runs them; owned.</param>
    /// <param name="device">Where the tensors lie.</param>
    public GpuKernels(IKernelLauncher launcher, Device device)
    {
        _launcher = launcher;
        Device = device;
        _absmaxCode = tensor(DynamicCode.OfBothSigns(), device: device).DetachFromDisposeScope();
        _positives = tensor(DynamicCode.OfPositives(), device: device).DetachFromDisposeScope();
    }

    /// <summary>Rows that <see cref="Multiply"/> takes at a time.</summary>
    public const int RowsAProduct = 8;

    /// <summary>Where the tensors lie.</summary>
    public Device Device { get; }

    /// <summary>The numbers that the tensors hold.</summary>
    public ScalarType Real => _launcher.Real;

    /// <summary>A matrix in NF4 to numbers.</summary>
    /// <param name="weight">Its codes on the device; values a multiple of eight.</param>
    /// <param name="output">As many numbers, contiguous.</param>
    public void Dequantize(Nf4Weight weight, Tensor output)
    {
        long packs = Packs(output);
        Require(weight.Count == output.NumberOfElements, "as many numbers as the matrix has");
        LaunchElementwise(
            "nf4_dequantize",
            packs,
            [weight.Codes, weight.Absmax, weight.AbsmaxScale, _absmaxCode, weight.Offset, output, packs]
        );
    }

    /// <summary>A few rows times a matrix in NF4, whose values are never written.</summary>
    /// <param name="weight">[outputs, in] on the device.</param>
    /// <param name="input">[rows, in].</param>
    /// <param name="output">[rows, outputs], or part of the columns of a wider matrix.</param>
    public void Multiply(Nf4Weight weight, Tensor input, Tensor output)
    {
        ArgumentNullException.ThrowIfNull(weight);
        (long rows, int packs) = Rows(input);
        (long outputs, long stride) = (weight.Shape[0], output.stride(0));
        Require(
            weight.Shape[1] == input.shape[1]
                && output.dtype == Real
                && output.shape.SequenceEqual([rows, outputs])
                && (outputs == 1 || output.stride(1) == 1),
            "an input of the matrix' width and a row of its outputs for each"
        );
        for (long first = 0; first < rows; first += RowsAProduct)
        {
            int count = (int)Math.Min(RowsAProduct, rows - first);
            using Tensor x = input.narrow(0, first, count),
                y = output.narrow(0, first, count);
            _launcher.Launch(
                "nf4_matvec",
                Math.Clamp((outputs + WarpsABlock - 1) / WarpsABlock, 1, _launcher.MostBlocks),
                Threads,
                [
                    weight.Codes,
                    weight.Absmax,
                    weight.AbsmaxScale,
                    _absmaxCode,
                    weight.Offset,
                    x,
                    y,
                    count,
                    packs,
                    (int)outputs,
                    stride,
                ]
            );
        }
    }

    /// <summary>Puts rows where they are wanted.</summary>
    /// <param name="input">[rows, width], or part of the columns of a wider matrix.</param>
    /// <param name="index">int32 [wanted]: the row of the input, or below 0 for zeros.</param>
    /// <param name="output">[wanted, width], likewise.</param>
    public void Gather(Tensor input, Tensor index, Tensor output)
    {
        (long rows, long width) = (output.shape[0], output.shape[1]);
        long packs = width / NumbersAPack,
            count = rows * packs;
        bool IsPart(Tensor t) =>
            t.dtype == Real
            && t.dim() == 2
            && t.shape[1] == width
            && t.stride(1) == 1
            && t.stride(0) % NumbersAPack == 0
            && KernelArgument.Address(t) % 16 == 0;
        Require(
            width % NumbersAPack == 0
                && IsPart(input)
                && IsPart(output)
                && index.dtype == ScalarType.Int32
                && index.NumberOfElements == rows
                && count <= uint.MaxValue,
            "rows of one width that is a multiple of eight, from a multiple of 16 bytes on, and an index a row"
        );
        LaunchElementwise(
            "gather_rows",
            count,
            [input, input.stride(0) / NumbersAPack, output, output.stride(0) / NumbersAPack, index, (int)packs, count]
        );
    }

    /// <summary>Norms rows, or the sums of two rows, which it then keeps.</summary>
    /// <param name="input">[rows, width].</param>
    /// <param name="weight">[width].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="output">[rows, width]; <c>null</c>: not wanted.</param>
    /// <param name="scales">float32 [rows]: the factor of each row.</param>
    /// <param name="added">[rows, width], added to the input before; <c>null</c>: nothing.</param>
    /// <param name="sum">Gets the sum; may be the input or what was added.</param>
    /// <param name="dropped">[rows, width]: gets the output with some dropped; <c>null</c>: not wanted.</param>
    /// <param name="mask">What is dropped.</param>
    public void RmsNorm(
        Tensor input,
        Tensor weight,
        double epsilon,
        Tensor? output,
        Tensor scales,
        Tensor? added = null,
        Tensor? sum = null,
        Tensor? dropped = null,
        DropMask mask = default
    )
    {
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
    /// <param name="input">What was normed.</param>
    /// <param name="weight">[width].</param>
    /// <param name="scales">What the forward pass gave.</param>
    /// <param name="gradient">Derivative by the output.</param>
    /// <param name="residual">Added; <c>null</c>: nothing.</param>
    /// <param name="output">[rows, width]; may be the residual.</param>
    /// <param name="dxLora">Derivative by the output with some dropped; <c>null</c>: nothing read that.</param>
    /// <param name="mask">What was dropped.</param>
    public void RmsNormBackward(
        Tensor input,
        Tensor weight,
        Tensor scales,
        Tensor gradient,
        Tensor? residual,
        Tensor output,
        Tensor? dxLora = null,
        DropMask mask = default
    )
    {
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

    /// <summary>Turns heads by their positions, in place.</summary>
    /// <param name="rows">[rows, at least heads · head size]: the heads come first in each row.</param>
    /// <param name="heads">Heads to turn.</param>
    /// <param name="headSize">A multiple of 16.</param>
    /// <param name="positions">int32 [rows].</param>
    /// <param name="cosines">float32 [positions, head size / 2].</param>
    /// <param name="sines">The same shape.</param>
    /// <param name="backward">Turn back.</param>
    public void Rotate(
        Tensor rows,
        int heads,
        int headSize,
        Tensor positions,
        Tensor cosines,
        Tensor sines,
        bool backward
    )
    {
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

    /// <summary>Gates.</summary>
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

    /// <summary>Drops as <see cref="Adapters.CounterDropout"/> does.</summary>
    /// <param name="input">Contiguous.</param>
    /// <param name="output">The same shape; may be the input.</param>
    /// <param name="mask">What is dropped.</param>
    /// <param name="onto">Whether the result is added to what is there.</param>
    public void Dropout(Tensor input, Tensor output, DropMask mask, bool onto)
    {
        Same(input, output);
        long packs = Packs(input);
        LaunchElementwise("dropout", packs, [input, output, packs, mask.Seed, mask.Threshold, mask.Kept, onto]);
    }

    /// <summary>The loss of rows of logits, and its derivative in their place.</summary>
    /// <param name="logits">[rows, stride]: each row begins with the vocabulary; the stride is a multiple of
    /// eight.</param>
    /// <param name="vocabulary">Numbers a row that count.</param>
    /// <param name="targets">int32 [rows]: the right token, within the vocabulary.</param>
    /// <param name="losses">float32 [rows]: nats.</param>
    /// <param name="weight">Factor of the derivative.</param>
    public void CrossEntropy(Tensor logits, int vocabulary, Tensor targets, Tensor losses, double weight)
    {
        (long rows, int packs) = Rows(logits);
        Require(
            vocabulary > 0
                && vocabulary <= logits.shape[1]
                && targets.dtype == ScalarType.Int32
                && targets.NumberOfElements == rows
                && losses.dtype == ScalarType.Float32
                && losses.NumberOfElements == rows,
            "a target and a loss a row"
        );
        _launcher.Launch(
            "cross_entropy",
            rows,
            Threads,
            [logits, targets, losses, vocabulary, (long)packs * NumbersAPack, (float)weight]
        );
    }

    /// <summary>Sums of squares of parts, whose sum is that of all.</summary>
    /// <param name="values">Contiguous.</param>
    /// <param name="sums">float32, of any length.</param>
    public void SumOfSquares(Tensor values, Tensor sums)
    {
        Require(
            values.dtype == Real && values.is_contiguous() && sums.dtype == ScalarType.Float32,
            "numbers and float32 sums"
        );
        _launcher.Launch("sum_of_squares", sums.NumberOfElements, Threads, [values, sums, values.NumberOfElements]);
    }

    /// <summary>A step of AdamW; clears the gradients.</summary>
    /// <param name="values">float32 [n].</param>
    /// <param name="first">float32 [n]: running mean of gradients.</param>
    /// <param name="second">float32 [n]: running mean of their squares.</param>
    /// <param name="gradients">[n].</param>
    /// <param name="totals">float32 [n]: read, and cleared, instead of the gradients; <c>null</c>: the gradients are
    /// read.</param>
    /// <param name="copies">[n]: gets the values, rounded.</param>
    /// <param name="decayed">How many of the numbers, from the first on, decay.</param>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="weightDecay">Decoupled.</param>
    /// <param name="clip">float32 [1]: factor of the gradients, above 0 to 1; any other number leaves everything as it
    /// is but the gradients.</param>
    public void AdamW(
        Tensor values,
        Tensor first,
        Tensor second,
        Tensor gradients,
        Tensor? totals,
        Tensor copies,
        long decayed,
        int step,
        double learningRate,
        double weightDecay,
        Tensor clip
    )
    {
        long count = values.NumberOfElements;
        Require(
            Floats(count, values, first, second, totals)
                && Reals(count, gradients, copies)
                && clip.dtype == ScalarType.Float32,
            "moments, gradients and copies of the values' length"
        );
        LaunchElementwise(
            "adamw",
            count,
            [
                values,
                first,
                second,
                gradients,
                totals,
                copies,
                count,
                decayed,
                (float)(1 - (learningRate * weightDecay)),
                (float)(learningRate / (1 - Math.Pow(0.9, step))),
                (float)(1 / Math.Sqrt(1 - Math.Pow(0.999, step))),
                1e-8f,
                clip,
            ]
        );
    }

    /// <summary>A step of AdamW with moments of 8 bits; clears the gradients.</summary>
    /// <param name="values">float32 [n].</param>
    /// <param name="gradients">[n]; <c>null</c>: there are totals.</param>
    /// <param name="totals">float32 [n]: read instead of the gradients; <c>null</c>: the gradients are read.</param>
    /// <param name="copies">[n]: gets the values, rounded; <c>null</c>: not wanted.</param>
    /// <param name="moments">On the device.</param>
    /// <param name="places">int64 [4 · blocks]: the moments' <see cref="Kernels.BlockwiseMoments.Places"/>.</param>
    /// <param name="decayed">How many of the numbers, from the first on, decay.</param>
    /// <param name="step">From 1.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="weightDecay">Times the rate, taken off after the step.</param>
    /// <param name="clip">As of <see cref="AdamW"/>.</param>
    public void AdamW8Bit(
        Tensor values,
        Tensor? gradients,
        Tensor? totals,
        Tensor? copies,
        Kernels.BlockwiseMoments moments,
        Tensor places,
        long decayed,
        int step,
        double learningRate,
        double weightDecay,
        Tensor clip
    )
    {
        ArgumentNullException.ThrowIfNull(moments);
        long count = values.NumberOfElements,
            blocks = places.NumberOfElements / 4;
        Require(
            Floats(count, values, totals)
                && Reals(count, gradients, copies)
                && (gradients ?? totals) is not null
                && places.dtype == ScalarType.Int64
                && clip.dtype == ScalarType.Float32,
            "gradients and copies of the values' length"
        );
        Dictionary<string, Tensor> state = moments.State.ToDictionary(
            s => s.Name,
            s => s.Value,
            StringComparer.Ordinal
        );
        (float size, float epsilon) = Kernels.BlockwiseMoments.Corrected(step, (float)learningRate);
        _launcher.Launch(
            "adamw_8bit",
            Math.Clamp(blocks, 1, _launcher.MostBlocks),
            Kernels.BlockwiseMoments.BlockSize,
            [
                values,
                gradients,
                totals,
                copies,
                state["first_codes"],
                state["first_absmax"],
                state["second_codes"],
                state["second_absmax"],
                state["first_moment"],
                state["second_moment"],
                _absmaxCode,
                _positives,
                places,
                blocks,
                decayed,
                1f - ((float)learningRate * (float)weightDecay),
                size,
                epsilon,
                clip,
            ]
        );
    }

    public void Dispose()
    {
        _absmaxCode.Dispose();
        _positives.Dispose();
        _launcher.Dispose();
    }

    private void LaunchElementwise(string kernel, long work, ReadOnlySpan<KernelArgument> arguments) =>
        _launcher.Launch(
            kernel,
            Math.Clamp((work + Threads - 1) / Threads, 1, _launcher.MostBlocks),
            Threads,
            arguments
        );

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

    private (long Rows, int Packs) Rows(Tensor matrix)
    {
        Packs(matrix);
        Require(
            matrix.dim() == 2 && matrix.shape[1] % NumbersAPack == 0,
            "a matrix whose width is a multiple of eight"
        );
        return (matrix.shape[0], (int)(matrix.shape[1] / NumbersAPack));
    }

    private long Packs(Tensor values)
    {
        Require(
            values.dtype == Real
                && values.is_contiguous()
                && values.NumberOfElements % NumbersAPack == 0
                && KernelArgument.Address(values) % 16 == 0,
            $"contiguous {Real} numbers, a multiple of eight, from a multiple of 16 bytes on"
        );
        return values.NumberOfElements / NumbersAPack;
    }

    private void Same(Tensor one, params ReadOnlySpan<Tensor?> others)
    {
        foreach (Tensor? other in others)
        {
            Require(
                other is null || (other.dtype == Real && other.is_contiguous() && other.shape.SequenceEqual(one.shape)),
                "tensors of one shape"
            );
        }
    }

    private static bool Floats(long count, params ReadOnlySpan<Tensor?> tensors) =>
        All(tensors, ScalarType.Float32, count);

    private bool Reals(long count, params ReadOnlySpan<Tensor?> tensors) => All(tensors, Real, count);

    private static bool All(ReadOnlySpan<Tensor?> tensors, ScalarType type, long count)
    {
        foreach (Tensor? tensor in tensors)
        {
            if (
                tensor is not null
                && (tensor.dtype != type || tensor.NumberOfElements != count || !tensor.is_contiguous())
            )
            {
                return false;
            }
        }

        return true;
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new ArgumentException($"The kernel takes {what}.");
        }
    }
}
