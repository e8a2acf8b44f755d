using static TorchSharp.torch;
using Primitives = System.Numerics.Tensors.TensorPrimitives;

namespace Pipeline.Model.Kernels;

/// <summary>
/// Next-token cross-entropy of rows of logits, <c>log Σ exp(x) − x[target]</c>, and its derivative
/// <c>softmax(x) − 1[target]</c>.
/// </summary>
internal static class CrossEntropyKernel
{
    /// <summary>Sums the loss.</summary>
    /// <param name="logits">float32 [rows, vocabulary]; overwritten with the derivative times
    /// <paramref name="weight"/>, or left undefined.</param>
    /// <param name="targets">The right token of each row.</param>
    /// <param name="weight">Factor of the derivative; <c>null</c>: none is wanted.</param>
    /// <returns>Nats, summed over rows, in double.</returns>
    public static double Forward(Tensor logits, ReadOnlyMemory<long> targets, double? weight)
    {
        int width = (int)logits.shape[1];
        var losses = new double[targets.Length];
        RowParallel.For(
            targets.Length,
            width,
            (start, end) =>
            {
                for (int row = start; row < end; row++)
                {
                    Span<float> x = RowParallel.Floats(logits).Slice(row * width, width);
                    int target = (int)targets.Span[row];
                    float largest = Primitives.Max<float>(x);
                    float right = x[target] - largest;
                    Primitives.Subtract(x, largest, x);
                    Primitives.Exp(x, x);
                    float sum = Primitives.Sum<float>(x);
                    losses[row] = Math.Log(sum) - right;
                    if (weight is { } factor)
                    {
                        Primitives.Multiply(x, (float)(factor / sum), x);
                        x[target] -= (float)factor;
                    }
                }
            }
        );
        return losses.Sum();
    }
}
