using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// Rotary position embedding in the half-rotated layout of Hugging Face checkpoints. Source: Su et al. 2021, section 3.4;
/// transformers <c>modeling_llama.py</c> (rotate_half).
/// </summary>
internal sealed class RotaryEmbedding : IDisposable
{
    private readonly Tensor _cos; // [positions, head size]
    private readonly Tensor _sin; // [positions, head size]

    public RotaryEmbedding(int positions, int headSize, double theta)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor exponents = arange(0, headSize, 2, dtype: ScalarType.Float32).div_(headSize);
        Tensor frequencies = 1.0f / pow(tensor((float)theta), exponents);                                               // [head size / 2]
        Tensor angles = outer(arange(positions, dtype: ScalarType.Float32), frequencies);                               // [positions, head size / 2]
        Tensor both = cat([angles, angles], -1);                                                                        // [positions, head size]
        _cos = both.cos().DetachFromDisposeScope();
        _sin = both.sin().DetachFromDisposeScope();
    }

    /// <summary>The factors of given positions.</summary>
    /// <param name="positions">int64 [batch or 1, n].</param>
    /// <returns>cos and sin, [batch or 1, 1, n, head size].</returns>
    public (Tensor Cos, Tensor Sin) At(Tensor positions)
    {
        long[] shape = [positions.shape[0], 1, positions.shape[1], _cos.shape[1]];
        Tensor flat = positions.reshape(-1);
        return (_cos.index_select(0, flat).view(shape), _sin.index_select(0, flat).view(shape));
    }

    /// <summary>Rotates heads.</summary>
    /// <param name="heads">[batch, heads, n, head size].</param>
    /// <param name="factors">What <see cref="At"/> gave.</param>
    public static Tensor Rotate(Tensor heads, (Tensor Cos, Tensor Sin) factors)
    {
        long half = heads.shape[^1] / 2;
        Tensor rotated = cat([heads.narrow(-1, half, half).neg(), heads.narrow(-1, 0, half)], -1);
        return heads.mul(factors.Cos).add_(rotated.mul_(factors.Sin));
    }

    public void Dispose()
    {
        _cos.Dispose();
        _sin.Dispose();
    }
}
