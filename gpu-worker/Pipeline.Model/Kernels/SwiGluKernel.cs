using System.Buffers;
using static TorchSharp.torch;
using Primitives = System.Numerics.Tensors.TensorPrimitives;

namespace Pipeline.Model.Kernels;

/// <summary>
/// <c>y = silu(g) · u</c> with <c>silu(g) = g · σ(g)</c>, and its derivatives <c>du = dy · silu(g)</c> and
/// <c>dg = dy · u · σ(g) · (1 + g · (1 − σ(g)))</c>. Source: Shazeer 2020, "GLU Variants". Definition:
/// <c>DecoderLayer.Forward</c>.
/// </summary>
internal static class SwiGluKernel
{
    /// <summary>Gates.</summary>
    /// <param name="gate">float32 [rows, width].</param>
    /// <param name="up">The same shape.</param>
    /// <param name="output">The same shape.</param>
    public static void Forward(Tensor gate, Tensor up, Tensor output)
    {
        int width = (int)gate.shape[1];
        RowParallel.For(
            gate.shape[0],
            width,
            (start, end) =>
            {
                for (int row = start; row < end; row++)
                {
                    Span<float> g = RowParallel.Floats(gate).Slice(row * width, width);
                    Span<float> u = RowParallel.Floats(up).Slice(row * width, width);
                    Span<float> y = RowParallel.Floats(output).Slice(row * width, width);
                    Primitives.Sigmoid(g, y);
                    Primitives.Multiply(y, g, y);
                    Primitives.Multiply(y, u, y);
                }
            }
        );
    }

    /// <summary>Turns gate and up into the derivatives by them.</summary>
    /// <param name="gate">As in <see cref="Forward"/>; becomes dg.</param>
    /// <param name="up">As in <see cref="Forward"/>; becomes du.</param>
    /// <param name="gradient">Derivative by the output.</param>
    public static void Backward(Tensor gate, Tensor up, Tensor gradient)
    {
        int width = (int)gate.shape[1];
        RowParallel.For(
            gate.shape[0],
            width,
            (start, end) =>
            {
                float[] sigmoid = ArrayPool<float>.Shared.Rent(width);
                float[] siluBuffer = ArrayPool<float>.Shared.Rent(width);
                for (int row = start; row < end; row++)
                {
                    Span<float> g = RowParallel.Floats(gate).Slice(row * width, width);
                    Span<float> u = RowParallel.Floats(up).Slice(row * width, width);
                    Span<float> dy = RowParallel.Floats(gradient).Slice(row * width, width);
                    Span<float> sigma = sigmoid.AsSpan(0, width);
                    Span<float> silu = siluBuffer.AsSpan(0, width);
                    Primitives.Sigmoid(g, sigma);
                    Primitives.Subtract(1f, sigma, silu);
                    Primitives.MultiplyAdd(silu, g, 1f, silu);
                    Primitives.Multiply(silu, sigma, silu); // silu'(g)
                    Primitives.Multiply(sigma, g, g); // silu(g)
                    Primitives.Multiply(silu, u, silu);
                    Primitives.Multiply(g, dy, u); // du
                    Primitives.Multiply(silu, dy, g); // dg
                }

                ArrayPool<float>.Shared.Return(sigmoid);
                ArrayPool<float>.Shared.Return(siluBuffer);
            }
        );
    }
}
