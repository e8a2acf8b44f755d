using Pipeline.Model.Optimization;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

// What only training takes: the loss, and the step of the optimizer.
internal sealed partial class GpuKernels
{
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
    /// <param name="places">int64 [4 · blocks]: the moments' <see cref="BlockwiseMoments.Places"/>.</param>
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
        BlockwiseMoments moments,
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
        (float size, float epsilon) = BlockwiseMoments.Corrected(step, (float)learningRate);
        _launcher.Launch(
            "adamw_8bit",
            Math.Clamp(blocks, 1, _launcher.MostBlocks),
            BlockwiseMoments.BlockSize,
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
}
