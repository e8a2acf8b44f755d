using System.Numerics;
using System.Runtime.InteropServices;
using Pipeline.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Lora;

/// <summary>
/// Dropout from a counter: element i is kept when a hash of seed and i is at least p · 2³². A mask depends on its
/// seed alone, so a resumed run drops what the unbroken one dropped, and no state of a generator is kept anywhere.
/// </summary>
/// <remarks>
/// The hash is MurmurHash3's 32-bit finaliser (Appleby, smhasher, <c>MurmurHash3.cpp</c>, fmix32) over a Weyl sequence.
/// </remarks>
public static class CounterDropout
{
    private const uint Weyl = 0x9E3779B9;

    /// <summary>A mask to multiply with: 0 where dropped, 1 / (1 - p) where kept.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="probability">p, 0 to below 1.</param>
    /// <param name="seed">The same seed gives the same mask.</param>
    /// <returns>float32 of the shape, on the CPU.</returns>
    public static Tensor Mask(long[] shape, double probability, uint seed)
    {
        Tensor mask = ones(shape, dtype: ScalarType.Float32);
        Apply(mask, mask, probability, seed, first: 0);
        return mask;
    }

    /// <summary>The same mask, made on a device by torch.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="probability">p, 0 to below 1.</param>
    /// <param name="seed">The same seed gives the same mask.</param>
    /// <param name="device">Where.</param>
    /// <returns>float32 of the shape, on the device.</returns>
    public static Tensor Mask(long[] shape, double probability, uint seed, Device device)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(device);
        if (device.type == DeviceType.CPU)
        {
            return Mask(shape, probability, seed);
        }

        return MaskByTorch(shape, probability, seed, device);
    }

    /// <summary>
    /// A number goes through when its hash is at least the threshold, and is multiplied by what keeps the mean.
    /// </summary>
    internal static (uint Threshold, float Kept) Rule(double probability) =>
        ((uint)(probability * 4294967296.0), (float)(1 / (1 - probability)));

    /// <summary>The mask in numbers of 64 bits, of which the lower 32 count.</summary>
    internal static Tensor MaskByTorch(long[] shape, double probability, uint seed, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor Number(long value) => tensor(value, device: device);
        Tensor low = Number(uint.MaxValue);
        Tensor hash = arange(shape.Aggregate(1L, (a, b) => a * b), dtype: ScalarType.Int64, device: device)
            .mul_(Weyl)
            .add_(seed)
            .bitwise_and_(low);
        hash = hash.bitwise_xor_(hash.bitwise_right_shift(Number(16))).mul_(0x85EBCA6B).bitwise_and_(low);
        hash = hash.bitwise_xor_(hash.bitwise_right_shift(Number(13))).mul_(0xC2B2AE35).bitwise_and_(low);
        hash = hash.bitwise_xor_(hash.bitwise_right_shift(Number(16)));
        (uint threshold, float kept) = Rule(probability);
        return hash.ge((long)threshold).to(ScalarType.Float32).mul_(kept).view(shape).MoveToOuterDisposeScope();
    }

    /// <summary>Multiplies with the mask.</summary>
    /// <param name="input">float32, contiguous.</param>
    /// <param name="output">The same shape; may be the input.</param>
    /// <param name="probability">p, 0 to below 1.</param>
    /// <param name="seed">The mask's.</param>
    /// <param name="first">Which element of the mask is the first here.</param>
    public static void Apply(Tensor input, Tensor output, double probability, uint seed, long first)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(output);
        var mask = new MaskStream(probability, seed);
        RowParallel.For(
            input.NumberOfElements,
            1,
            (start, end) =>
                mask.Apply(
                    RowParallel.Floats(input)[start..end],
                    RowParallel.Floats(output)[start..end],
                    (uint)(first + start)
                )
        );
    }

    /// <summary>
    /// Multiplies an input with the mask, and adds the gradient, masked alike, to a sum, in one pass over the elements.
    /// </summary>
    /// <param name="input">float32, contiguous.</param>
    /// <param name="output">Gets the masked input.</param>
    /// <param name="gradient">Derivative by the masked input.</param>
    /// <param name="sum">The derivative by the input is added here.</param>
    /// <param name="part">The mask, from its first element here on.</param>
    internal static void ApplyBackward(Tensor input, Tensor output, Tensor gradient, Tensor sum, MaskPart part)
    {
        var mask = new MaskStream(part.Probability, part.Seed);
        long first = part.First;
        RowParallel.For(
            input.NumberOfElements,
            1,
            (start, end) =>
                mask.ApplyBackward(
                    RowParallel.Floats(input)[start..end],
                    RowParallel.Floats(output)[start..end],
                    RowParallel.Floats(gradient)[start..end],
                    RowParallel.Floats(sum)[start..end],
                    (uint)(first + start)
                )
        );
    }

    /// <summary>A seed for one of several masks under one seed.</summary>
    public static uint Derive(uint seed, int index) => Hash(seed + (uint)index * 0x85EBCA77);

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

    /// <summary>The mask of a seed, from any element on.</summary>
    private readonly struct MaskStream(double probability, uint seed)
    {
        private readonly uint _threshold = Rule(probability).Threshold;
        private readonly float _kept = Rule(probability).Kept;

        public void Apply(ReadOnlySpan<float> input, Span<float> output, uint first)
        {
            ReadOnlySpan<Vector<float>> from = MemoryMarshal.Cast<float, Vector<float>>(input);
            Span<Vector<float>> to = MemoryMarshal.Cast<float, Vector<float>>(output);
            Vector<uint> counter = Counter(first);
            for (int i = 0; i < from.Length; i++)
            {
                to[i] = from[i] * Factor(counter);
                counter += Step;
            }

            for (int i = from.Length * Vector<float>.Count; i < input.Length; i++)
            {
                output[i] = input[i] * Factor(first + (uint)i);
            }
        }

        public void ApplyBackward(
            ReadOnlySpan<float> input,
            Span<float> output,
            ReadOnlySpan<float> gradient,
            Span<float> sum,
            uint first
        )
        {
            ReadOnlySpan<Vector<float>> from = MemoryMarshal.Cast<float, Vector<float>>(input);
            ReadOnlySpan<Vector<float>> dOutput = MemoryMarshal.Cast<float, Vector<float>>(gradient);
            Span<Vector<float>> to = MemoryMarshal.Cast<float, Vector<float>>(output);
            Span<Vector<float>> total = MemoryMarshal.Cast<float, Vector<float>>(sum);
            Vector<uint> counter = Counter(first);
            for (int i = 0; i < from.Length; i++)
            {
                Vector<float> factor = Factor(counter);
                to[i] = from[i] * factor;
                total[i] += dOutput[i] * factor;
                counter += Step;
            }

            for (int i = from.Length * Vector<float>.Count; i < input.Length; i++)
            {
                float factor = Factor(first + (uint)i);
                output[i] = input[i] * factor;
                sum[i] += gradient[i] * factor;
            }
        }

        private static Vector<uint> Step => new(unchecked((uint)Vector<uint>.Count * Weyl));

        private Vector<uint> Counter(uint first) => (Vector.CreateSequence(first, 1u) * Weyl) + new Vector<uint>(seed);

        private Vector<float> Factor(Vector<uint> counter) =>
            Vector.BitwiseAnd(
                new Vector<float>(_kept),
                Vector.AsVectorSingle(Vector.GreaterThanOrEqual(Hash(counter), new Vector<uint>(_threshold)))
            );

        private float Factor(uint element) => Hash(unchecked((element * Weyl) + seed)) >= _threshold ? _kept : 0;
    }
}
