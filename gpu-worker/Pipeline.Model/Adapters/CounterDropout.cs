using System.Numerics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Model.Adapters;

/// <summary>
/// Dropout masks from a counter: element i is kept when a hash of seed and i is at least p · 2³². A mask depends on its
/// seed alone, so a resumed run drops what the unbroken one dropped, and no state of a generator is kept anywhere.
/// </summary>
/// <remarks>The hash is MurmurHash3's 32-bit finaliser (Appleby, smhasher, <c>MurmurHash3.cpp</c>, fmix32) over a Weyl sequence.</remarks>
public static class CounterDropout
{
    private const uint Weyl = 0x9E3779B9;
    private const int ElementsAThread = 1 << 16;

    /// <summary>A mask to multiply with: 0 where dropped, 1 / (1 - p) where kept.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="probability">p, 0 to below 1.</param>
    /// <param name="seed">The same seed gives the same mask.</param>
    /// <returns>float32 of the shape, on the CPU.</returns>
    public static Tensor Mask(long[] shape, double probability, uint seed)
    {
        Tensor mask = empty(shape, dtype: ScalarType.Float32);
        long count = mask.NumberOfElements;
        uint threshold = (uint)(probability * 4294967296.0);
        float kept = (float)(1 / (1 - probability));
        int parts = (int)((count + ElementsAThread - 1) / ElementsAThread);
        if (parts <= 1)
        {
            Fill(MemoryMarshal.Cast<byte, float>(mask.bytes), 0, threshold, kept, seed);
        }
        else
        {
            Parallel.For(0, parts, part =>
            {
                int start = part * ElementsAThread;
                int length = (int)Math.Min(ElementsAThread, count - start);
                Fill(MemoryMarshal.Cast<byte, float>(mask.bytes).Slice(start, length), (uint)start, threshold, kept, seed);
            });
        }

        return mask;
    }

    /// <summary>A seed for one of several masks under one seed.</summary>
    public static uint Derive(uint seed, int index) => Hash(seed + (uint)index * 0x85EBCA77);

    private static void Fill(Span<float> target, uint first, uint threshold, float kept, uint seed)
    {
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(target);
        Vector<uint> counter = (Vector.CreateSequence(first, 1u) * Weyl) + new Vector<uint>(seed);
        var step = new Vector<uint>(unchecked((uint)Vector<uint>.Count * Weyl));
        var limit = new Vector<uint>(threshold);
        var value = new Vector<float>(kept);
        for (int i = 0; i < vectors.Length; i++)
        {
            Vector<uint> keep = Vector.GreaterThanOrEqual(Hash(counter), limit);
            vectors[i] = Vector.BitwiseAnd(value, Vector.AsVectorSingle(keep));
            counter += step;
        }

        for (int i = vectors.Length * Vector<float>.Count; i < target.Length; i++)
        {
            target[i] = Hash(unchecked(((first + (uint)i) * Weyl) + seed)) >= threshold ? kept : 0;
        }
    }

    private static uint Hash(uint x)
    {
        x = (x ^ (x >> 16)) * 0x85EBCA6B;
        x = (x ^ (x >> 13)) * 0xC2B2AE35;
        return x ^ (x >> 16);
    }

    private static Vector<uint> Hash(Vector<uint> x)
    {
        x = (x ^ (x >>> 16)) * 0x85EBCA6B;
        x = (x ^ (x >>> 13)) * 0xC2B2AE35;
        return x ^ (x >>> 16);
    }
}
