using Pipeline.Model.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// Rotary position embedding in the half-rotated layout of Hugging Face checkpoints. Source: Su et al. 2021, section
/// 3.4; transformers <c>modeling_llama.py</c> (rotate_half).
/// </summary>
internal sealed class RotaryEmbedding : IDisposable
{
    private Tensor _frequencies; // float32 [head size / 2]

    public RotaryEmbedding(LlamaConfig config)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor exponents = arange(0, config.HeadSize, 2, dtype: ScalarType.Float32).div_(config.HeadSize);
        Tensor frequencies = 1.0f / pow(tensor((float)config.RopeTheta), exponents);
        _frequencies = (
            config.RopeScaling is { } scaling ? Stretch(frequencies, scaling) : frequencies
        ).DetachFromDisposeScope();
    }

    /// <summary>The factors of given positions.</summary>
    /// <param name="positions">int64 [batch or 1, n].</param>
    /// <returns>cos and sin, float32 [batch or 1, 1, n, head size].</returns>
    public (Tensor Cos, Tensor Sin) At(Tensor positions)
    {
        // [batch or 1, 1, n, head size / 2]
        Tensor angles = positions.to(ScalarType.Float32).unsqueeze(-1).mul(_frequencies).unsqueeze(1);
        Tensor both = cat([angles, angles], -1); // [batch or 1, 1, n, head size]
        return (both.cos(), both.sin());
    }

    /// <summary>cos and sin of the first positions, [count, head size / 2] each.</summary>
    public (float[] Cos, float[] Sin) Tables(int count)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor angles = arange(count, dtype: ScalarType.Float32).unsqueeze(-1).mul(_frequencies.cpu());
        return (angles.cos().data<float>().ToArray(), angles.sin().data<float>().ToArray());
    }

    /// <summary>Rotates heads.</summary>
    /// <param name="heads">[batch, heads, n, head size].</param>
    /// <param name="factors">What <see cref="At"/> gave.</param>
    public static Tensor Rotate(Tensor heads, (Tensor Cos, Tensor Sin) factors)
    {
        long half = heads.shape[^1] / 2;
        Tensor rotated = cat([heads.narrow(-1, half, half).neg(), heads.narrow(-1, 0, half)], -1);
        return heads.mul(factors.Cos).add_(rotated.mul_(factors.Sin)).to(heads.dtype);
    }

    /// <summary>Puts the same frequencies on another device in the place of those held.</summary>
    public void Replace(Func<Tensor, Tensor> replacement) => _frequencies = replacement(_frequencies);

    public void Dispose() => _frequencies.Dispose();

    private static Tensor Stretch(Tensor frequencies, RopeScaling scaling)
    {
        double longest = scaling.OriginalPositions / scaling.LowFrequencyFactor;
        double shortest = scaling.OriginalPositions / scaling.HighFrequencyFactor;
        Tensor wavelengths = (2 * Math.PI) / frequencies;
        Tensor divided = where(wavelengths.gt(longest), frequencies / scaling.Factor, frequencies);
        Tensor smooth =
            ((scaling.OriginalPositions / wavelengths) - scaling.LowFrequencyFactor)
            / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        Tensor mixed = ((1 - smooth) * divided / scaling.Factor) + (smooth * divided);
        return where(wavelengths.lt(shortest).logical_or(wavelengths.gt(longest)), divided, mixed);
    }
}
