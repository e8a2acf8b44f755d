namespace Pipeline.Model.Quantization;

/// <summary>The arithmetic of quantisation, on arrays; the definition that every faster form is held against.</summary>
public static class Nf4Quantizer
{
    /// <summary>Values to codes, two a byte with the first in the high nibble, and the absmax of each block of 64.</summary>
    public static (byte[] Codes, float[] Absmax) Quantize(ReadOnlySpan<float> values)
    {
        int blocks = (values.Length + Nf4.BlockSize - 1) / Nf4.BlockSize;
        var codes = new byte[(values.Length + 1) / 2];
        var absmax = new float[blocks];
        for (int block = 0; block < blocks; block++)
        {
            int start = block * Nf4.BlockSize;
            ReadOnlySpan<float> part = values.Slice(start, Math.Min(Nf4.BlockSize, values.Length - start));
            float largest = 0;
            foreach (float value in part)
            {
                largest = MathF.Max(largest, MathF.Abs(value));
            }

            absmax[block] = largest;
            float inverse = 1f / largest;
            for (int i = 0; i < part.Length; i++)
            {
                int code = largest == 0 ? Zero : Level(part[i] * inverse);
                int at = start + i;
                codes[at / 2] |= (byte)(at % 2 == 0 ? code << 4 : code);
            }
        }

        return (codes, absmax);
    }

    /// <summary>Absmax to 8-bit codes with a scale for each 256 of them, after their mean is taken away.</summary>
    public static (byte[] Codes, float[] Scales, float Offset) QuantizeAbsmax(ReadOnlySpan<float> absmax)
    {
        float[] code = Nf4.DynamicCode();
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
                codes[i] = Nearest(code, largest == 0 ? 0 : (absmax[i] - offset) * (1f / largest));
            }
        }

        return (codes, scales, offset);
    }

    private const int Zero = 7; // the level 0

    private static int Level(float value)
    {
        ReadOnlySpan<float> boundaries = Nf4.Boundaries;
        int level = 0;
        for (int i = 0; i < boundaries.Length; i++)
        {
            level += value > boundaries[i] ? 1 : 0;
        }

        return level;
    }

    private static byte Nearest(float[] code, float value)
    {
        int at = Array.BinarySearch(code, value);
        if (at >= 0)
        {
            return (byte)at;
        }

        int above = ~at;
        if (above == 0)
        {
            return 0;
        }

        if (above == code.Length)
        {
            return (byte)(code.Length - 1);
        }

        float middle = (code[above - 1] + code[above]) * 0.5f;
        return (byte)(value > middle ? above : above - 1);
    }
}
