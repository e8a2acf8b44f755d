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
    /// <param name="trained">Values, gradients and copies; none but the totals may be missing.</param>
    /// <param name="first">float32 [n]: running mean of gradients.</param>
    /// <param name="second">float32 [n]: running mean of their squares.</param>
    /// <param name="step">What it goes by; the decay comes before the step.</param>
    /// <param name="clip">float32 [1]: factor of the gradients, above 0 to 1; any other number leaves everything as it
    /// is but the gradients.</param>
    public void AdamW(AdamWTensors trained, Tensor first, Tensor second, AdamWStep step, Tensor clip)
    {
        (Tensor values, Tensor? gradients, Tensor? totals, Tensor? copies) = trained;
        long count = values.NumberOfElements;
        Require(
            Floats(count, values, first, second, totals)
                && gradients is not null
                && copies is not null
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
                step.Decayed,
                (float)(1 - (step.LearningRate * step.WeightDecay)),
                (float)(step.LearningRate / (1 - Math.Pow(AdamWStep.Beta1, step.Number))),
                (float)(1 / Math.Sqrt(1 - Math.Pow(AdamWStep.Beta2, step.Number))),
                (float)AdamWStep.Epsilon,
                clip,
            ]
        );
    }

    /// <summary>A step of AdamW with moments of 8 bits; clears the gradients.</summary>
    /// <param name="trained">Values and gradients, copies where they are wanted.</param>
    /// <param name="moments">On the device.</param>
    /// <param name="places">int64 [4 · blocks]: the moments' <see cref="BlockwiseMoments.Places"/>.</param>
    /// <param name="step">What it goes by; the decay comes after the step.</param>
    /// <param name="clip">As of <see cref="AdamW"/>.</param>
    public void AdamW8Bit(AdamWTensors trained, BlockwiseMoments moments, Tensor places, AdamWStep step, Tensor clip)
    {
        ArgumentNullException.ThrowIfNull(moments);
        (Tensor values, Tensor? gradients, Tensor? totals, Tensor? copies) = trained;
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
        (float size, float epsilon) = BlockwiseMoments.Corrected(step.Number, (float)step.LearningRate);
        _launcher.Launch(
            "adamw_8bit",
            Math.Clamp(blocks, 1, _launcher.MaxBlocks),
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
                step.Decayed,
                1f - ((float)step.LearningRate * (float)step.WeightDecay),
                size,
                epsilon,
                clip,
            ]
        );
    }
}
