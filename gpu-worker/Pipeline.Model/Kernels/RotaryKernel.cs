using static TorchSharp.torch;
using Primitives = System.Numerics.Tensors.TensorPrimitives;

namespace Pipeline.Model.Kernels;

/// <summary>
/// RoPE in place on flat rows of heads, and its derivative, which rotates the other way. Definition:
/// <c>RotaryEmbedding.Rotate</c>.
/// </summary>
internal static class RotaryKernel
{
    /// <summary>Rotates heads.</summary>
    /// <param name="heads">float32 [rows, heads · head size]; changed.</param>
    /// <param name="headSize">Even.</param>
    /// <param name="positions">The position of each row.</param>
    /// <param name="cos">float32 [positions, head size / 2].</param>
    /// <param name="sin">The same shape.</param>
    /// <param name="backward">Rotate by the negative angles.</param>
    public static void Rotate(
        Tensor heads,
        int headSize,
        ReadOnlyMemory<int> positions,
        float[] cos,
        float[] sin,
        bool backward
    )
    {
        int width = (int)heads.shape[1];
        int half = headSize / 2;
        RowParallel.For(
            heads.shape[0],
            width,
            (start, end) =>
            {
                Span<float> old = stackalloc float[half];
                Span<float> turned = stackalloc float[half];
                Span<float> values = RowParallel.Floats(heads);
                ReadOnlySpan<int> places = positions.Span;
                for (int row = start; row < end; row++)
                {
                    ReadOnlySpan<float> c = cos.AsSpan(places[row] * half, half);
                    ReadOnlySpan<float> s = sin.AsSpan(places[row] * half, half);
                    for (int head = row * width; head < (row + 1) * width; head += headSize)
                    {
                        Span<float> first = values.Slice(head, half);
                        Span<float> second = values.Slice(head + half, half);
                        first.CopyTo(old);
                        Primitives.Multiply(second, s, turned);
                        Primitives.Multiply(first, c, first);
                        Primitives.Multiply(old, s, old);
                        Primitives.Multiply(second, c, second);
                        if (backward)
                        {
                            Primitives.Add(first, turned, first);
                            Primitives.Subtract(second, old, second);
                        }
                        else
                        {
                            Primitives.Subtract(first, turned, first);
                            Primitives.Add(second, old, second);
                        }
                    }
                }
            }
        );
    }
}
