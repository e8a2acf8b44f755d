namespace Pipeline.Model.Quantization;

/// <summary>
/// The dynamic 8-bit code: some bits of exponent, the rest of fraction, so that small numbers keep their relative size.
/// Sources: Dettmers et al. 2022 ("8-bit Optimizers"), section 1.3; bitsandbytes <c>functional.py</c>
/// (create_dynamic_map) and <c>csrc/kernels.cu</c> (quantize_2D).
/// </summary>
public static class DynamicCode
{
    private const int ExponentBits = 7;

    /// <summary>The 256 values of the signed code, ascending, from about -0.993 to 1.</summary>
    public static float[] OfBothSigns() => Make(signed: true);

    /// <summary>The 256 values of the unsigned code, ascending, from 0 to 1.</summary>
    public static float[] OfPositives() => Make(signed: false);

    /// <summary>The place of the value that lies nearest; midway between two, the one with the even place.</summary>
    public static int Nearest(float[] code, float value)
    {
        ArgumentNullException.ThrowIfNull(code);
        int below = 0;
        for (int step = code.Length / 2; step > 0; step /= 2)
        {
            below += code[below + step] <= value ? step : 0;
        }

        if (below == code.Length - 1)
        {
            return below;
        }

        float middle = (code[below] + code[below + 1]) * 0.5f;
        return value > middle || (value == middle && below % 2 == 1) ? below + 1 : below;
    }

    private static float[] Make(bool signed)
    {
        var values = new List<float> { 0f, 1f };
        for (int exponent = 0; exponent < ExponentBits; exponent++)
        {
            int items = (1 << (signed ? exponent : exponent + 1)) + 1;
            float scale = (float)Math.Pow(10, exponent - (ExponentBits - 1));
            for (int i = 0; i + 1 < items; i++)
            {
                float mean = (Boundary(i, items) + Boundary(i + 1, items)) / 2f;
                values.Add(scale * mean);
                if (signed)
                {
                    values.Add(-scale * mean);
                }
            }
        }

        values.Sort();
        return [.. values];
    }

    /// <summary>
    /// Point i of n points spaced evenly from 0.1 to 1 in float32, as torch.linspace has them: from both ends inward.
    /// </summary>
    private static float Boundary(int i, int n)
    {
        float step = (1f - 0.1f) / (n - 1);
        return i < n / 2 ? 0.1f + (step * i) : 1f - (step * (n - 1 - i));
    }
}
