using System.Numerics;
using System.Runtime.InteropServices;

namespace Pipeline.Model.Quantization;

/// <summary>The arithmetic of quantisation, on spans; the definition that every faster form is compared with.</summary>
public static class Nf4Quantizer
{
    private const int Zero = 7; // the level 0

    /// <summary>
    /// Values to codes, two a byte with the first in the high nibble, and the absmax of each block of 64.
    /// </summary>
    /// <param name="values">Begins at a block's start.</param>
    /// <param name="codes">ceil(values / 2) bytes.</param>
    /// <param name="absmax">ceil(values / 64) numbers.</param>
    public static void Quantize(ReadOnlySpan<float> values, Span<byte> codes, Span<float> absmax)
    {
        Span<int> levels = stackalloc int[Nf4.BlockSize];
        for (int block = 0; block < absmax.Length; block++)
        {
            int start = block * Nf4.BlockSize;
            ReadOnlySpan<float> part = values.Slice(start, Math.Min(Nf4.BlockSize, values.Length - start));
            float largest = Largest(part);
            absmax[block] = largest;
            Levels(part, largest, levels);
            Span<byte> target = codes.Slice(start / 2, (part.Length + 1) / 2);
            for (int i = 0; i + 1 < part.Length; i += 2)
            {
                target[i / 2] = (byte)((levels[i] << 4) | levels[i + 1]);
            }

            if (part.Length % 2 == 1)
            {
                target[^1] = (byte)(levels[part.Length - 1] << 4);
            }
        }
    }

    /// <summary>Absmax to 8-bit codes with a scale for each 256 of them, after their mean is taken away.</summary>
    public static (byte[] Codes, float[] Scales, float Offset) QuantizeAbsmax(ReadOnlySpan<float> absmax)
    {
        float[] code = DynamicCode.OfBothSigns();
        double sum = 0;
        foreach (float value in absmax)
        {
            sum += value;
        }

        float offset = absmax.Length == 0 ? 0 : (float)(sum / absmax.Length);
        var codes = new byte[absmax.Length];
        var scales = new float[(absmax.Length + Nf4.NestedBlockSize - 1) / Nf4.NestedBlockSize];
        for (int block = 0; block < scales.Length; block++)
        {
            int start = block * Nf4.NestedBlockSize;
            int end = Math.Min(start + Nf4.NestedBlockSize, absmax.Length);
            float largest = 0;
            for (int i = start; i < end; i++)
            {
                largest = MathF.Max(largest, MathF.Abs(absmax[i] - offset));
            }

            scales[block] = largest;
            for (int i = start; i < end; i++)
            {
                codes[i] = (byte)DynamicCode.Nearest(code, largest == 0 ? 0 : (absmax[i] - offset) * (1f / largest));
            }
        }

        return (codes, scales, offset);
    }

    /// <summary>Codes to values: <c>level · absmax</c>, in float32.</summary>
    /// <param name="codes">Two a byte; begins at a block's start.</param>
    /// <param name="absmax">One number a block.</param>
    /// <param name="values">Where the values go.</param>
    public static void Dequantize(ReadOnlySpan<byte> codes, ReadOnlySpan<float> absmax, Span<float> values)
    {
        ReadOnlySpan<(float High, float Low)> pairs = Pairs;
        for (int block = 0; block < absmax.Length; block++)
        {
            int start = block * Nf4.BlockSize;
            Span<float> part = values.Slice(start, Math.Min(Nf4.BlockSize, values.Length - start));
            ReadOnlySpan<byte> source = codes.Slice(start / 2, (part.Length + 1) / 2);
            Span<(float High, float Low)> target = MemoryMarshal.Cast<float, (float, float)>(part);
            for (int i = 0; i < target.Length; i++)
            {
                target[i] = pairs[source[i]];
            }

            if (part.Length % 2 == 1)
            {
                part[^1] = pairs[source[^1]].High;
            }

            Scale(part, absmax[block]);
        }
    }

    /// <summary>Both levels of each byte.</summary>
    private static readonly (float High, float Low)[] Pairs =
    [
        .. Enumerable.Range(0, 256).Select(b => (Nf4.Levels[b >> 4], Nf4.Levels[b & 15])),
    ];

    private static void Scale(Span<float> values, float factor)
    {
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (int i = 0; i < vectors.Length; i++)
        {
            vectors[i] *= factor;
        }

        for (int i = vectors.Length * Vector<float>.Count; i < values.Length; i++)
        {
            values[i] *= factor;
        }
    }

    private static float Largest(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Vector<float> largest = Vector<float>.Zero;
        foreach (Vector<float> vector in vectors)
        {
            largest = Vector.Max(largest, Vector.Abs(vector));
        }

        float result = 0;
        for (int i = 0; i < Vector<float>.Count; i++)
        {
            result = MathF.Max(result, largest[i]);
        }

        foreach (float value in values[(vectors.Length * Vector<float>.Count)..])
        {
            result = MathF.Max(result, MathF.Abs(value));
        }

        return result;
    }

    /// <summary>
    /// The level of each value: how many boundaries lie below it once it is divided by the block's absmax.
    /// </summary>
    private static void Levels(ReadOnlySpan<float> values, float absmax, Span<int> levels)
    {
        if (absmax == 0)
        {
            levels.Fill(Zero);
            return;
        }

        float inverse = 1f / absmax;
        ReadOnlySpan<float> boundaries = Nf4.Boundaries;
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        Span<Vector<int>> counts = MemoryMarshal.Cast<int, Vector<int>>(levels);
        for (int i = 0; i < vectors.Length; i++)
        {
            Vector<float> value = vectors[i] * inverse;
            Vector<int> count = Vector<int>.Zero;
            foreach (float boundary in boundaries)
            {
                count -= Vector.GreaterThan(value, new Vector<float>(boundary)); // true is -1
            }

            counts[i] = count;
        }

        for (int i = vectors.Length * Vector<float>.Count; i < values.Length; i++)
        {
            int level = 0;
            foreach (float boundary in boundaries)
            {
                level += values[i] * inverse > boundary ? 1 : 0;
            }

            levels[i] = level;
        }
    }
}
