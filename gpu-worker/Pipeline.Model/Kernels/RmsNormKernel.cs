using static TorchSharp.torch;
using Primitives = System.Numerics.Tensors.TensorPrimitives;

namespace Pipeline.Model.Kernels;

/// <summary>
/// <c>y = w · x · s</c> with <c>s = 1 / sqrt(mean(x²) + ε)</c>, and its derivative
/// <c>dx = s · (g − x · s² · mean(g · x))</c> with <c>g = dy · w</c>. Definition: <c>RmsNorm.Forward</c> under
/// autograd.
/// </summary>
internal static class RmsNormKernel
{
    /// <summary>Norms rows.</summary>
    /// <param name="input">float32 [rows, width].</param>
    /// <param name="weight">float32 [width].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="output">float32 [rows, width].</param>
    /// <param name="scales">float32 [rows]: s of each row.</param>
    public static void Forward(Tensor input, Tensor weight, double epsilon, Tensor output, Tensor scales)
    {
        int width = (int)input.shape[1];
        RowParallel.For(
            input.shape[0],
            width,
            (start, end) =>
            {
                Span<float> x = RowParallel.Floats(input);
                Span<float> y = RowParallel.Floats(output);
                Span<float> s = RowParallel.Floats(scales);
                Span<float> w = RowParallel.Floats(weight);
                for (int row = start; row < end; row++)
                {
                    Span<float> from = x.Slice(row * width, width);
                    Span<float> to = y.Slice(row * width, width);
                    s[row] = 1 / MathF.Sqrt((Primitives.SumOfSquares(from) / width) + (float)epsilon);
                    Primitives.Multiply(from, s[row], to);
                    Primitives.Multiply(to, w, to);
                }
            }
        );
    }

    /// <summary>Adds the derivative by the input.</summary>
    /// <param name="input">What <see cref="Forward"/> got.</param>
    /// <param name="weight">The same.</param>
    /// <param name="scales">What it gave.</param>
    /// <param name="gradient">float32 [rows, width]: derivative by the output; overwritten.</param>
    /// <param name="sum">float32 [rows, width]: the derivative by the input is added here.</param>
    public static void Backward(Tensor input, Tensor weight, Tensor scales, Tensor gradient, Tensor sum)
    {
        int width = (int)input.shape[1];
        RowParallel.For(
            input.shape[0],
            width,
            (start, end) =>
            {
                Span<float> x = RowParallel.Floats(input);
                Span<float> g = RowParallel.Floats(gradient);
                Span<float> s = RowParallel.Floats(scales);
                Span<float> w = RowParallel.Floats(weight);
                Span<float> total = RowParallel.Floats(sum);
                for (int row = start; row < end; row++)
                {
                    Span<float> from = x.Slice(row * width, width);
                    Span<float> dNormed = g.Slice(row * width, width);
                    Span<float> to = total.Slice(row * width, width);
                    Primitives.Multiply(dNormed, w, dNormed);
                    float along = Primitives.Dot(dNormed, from) / width * s[row] * s[row] * s[row];
                    Primitives.MultiplyAdd(dNormed, s[row], to, to);
                    Primitives.MultiplyAdd(from, -along, to, to);
                }
            }
        );
    }
}
