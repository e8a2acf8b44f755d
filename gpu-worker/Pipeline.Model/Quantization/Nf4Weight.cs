using System.Runtime.InteropServices;
using Pipeline.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Quantization;

/// <summary>
/// A weight matrix in NF4 with double quantisation: 4 bits a value, an 8-bit absmax for each 64 values, a float32 scale
/// for each 256 absmax, one offset. Format: bitsandbytes <c>functional.quantize_4bit(…, compress_statistics=True)</c>.
/// </summary>
public sealed class Nf4Weight : IDisposable
{
    private const int ValuesAPart = 1 << 20; // a multiple of the block size
    private const long ValuesOnADevice = 1L << 26;

    /// <summary>Takes ownership of the parts.</summary>
    /// <param name="shape">The matrix's.</param>
    /// <param name="codes">u8 [ceil(n / 2)], the first value in the high nibble.</param>
    /// <param name="absmax">u8 [ceil(n / 64)].</param>
    /// <param name="absmaxScale">f32 [ceil(blocks / 256)].</param>
    /// <param name="offset">The mean of the absmax.</param>
    public Nf4Weight(IReadOnlyList<long> shape, Tensor codes, Tensor absmax, Tensor absmaxScale, float offset)
    {
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentNullException.ThrowIfNull(absmax);
        ArgumentNullException.ThrowIfNull(absmaxScale);
        Shape = shape;
        Codes = codes.DetachFromDisposeScope();
        Absmax = absmax.DetachFromDisposeScope();
        AbsmaxScale = absmaxScale.DetachFromDisposeScope();
        Offset = offset;
    }

    /// <summary>The matrix's shape.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Values held.</summary>
    public long Count => Shape.Aggregate(1L, (a, b) => a * b);

    /// <summary>The codes, u8 [ceil(n / 2)].</summary>
    public Tensor Codes { get; }

    /// <summary>The quantised absmax, u8 [ceil(n / 64)].</summary>
    public Tensor Absmax { get; }

    /// <summary>The scales of the absmax, f32 [ceil(blocks / 256)].</summary>
    public Tensor AbsmaxScale { get; }

    /// <summary>The mean of the absmax, taken away before they are quantised.</summary>
    public float Offset { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => Codes.NumberOfElements + Absmax.NumberOfElements + (4 * AbsmaxScale.NumberOfElements) + 4;

    /// <summary>
    /// Quantises a matrix part by part: beside the result, one part in float32 for each thread is held.
    /// </summary>
    /// <param name="weight">float32, float16 or bfloat16, any shape, on any device.</param>
    /// <returns>The codes, on the CPU; the same to the bit wherever they were made.</returns>
    public static Nf4Weight Quantize(Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.device.type != DeviceType.CPU)
        {
            return QuantizeByTorch(weight);
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor flat = weight.contiguous().view(-1);
        long count = flat.NumberOfElements;
        Tensor codes = empty((count + 1) / 2, dtype: ScalarType.Byte);
        var absmax = new float[(count + Nf4.BlockSize - 1) / Nf4.BlockSize];
        ForParts(
            count,
            (start, length) =>
            {
                using DisposeScope inner = NewDisposeScope();
                Tensor values = flat.narrow(0, start, length).to(ScalarType.Float32);
                int blocks = (length + Nf4.BlockSize - 1) / Nf4.BlockSize;
                Nf4Quantizer.Quantize(
                    RowParallel.Floats(values),
                    codes.bytes.Slice((int)(start / 2), (length + 1) / 2),
                    absmax.AsSpan((int)(start / Nf4.BlockSize), blocks)
                );
            }
        );
        (byte[] absmaxCodes, float[] scales, float offset) = Nf4Quantizer.QuantizeAbsmax(absmax);
        return new Nf4Weight(weight.shape, codes, tensor(absmaxCodes), tensor(scales), offset);
    }

    /// <summary>The same by torch alone, wherever the matrix lies.</summary>
    internal static Nf4Weight QuantizeByTorch(Tensor weight)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor flat = weight.contiguous().view(-1);
        long count = flat.NumberOfElements;
        List<Tensor> codes = [],
            largest = [];
        for (long start = 0; start < count; start += ValuesOnADevice)
        {
            using DisposeScope inner = NewDisposeScope();
            long length = Math.Min(ValuesOnADevice, count - start),
                missing = (Nf4.BlockSize - (length % Nf4.BlockSize)) % Nf4.BlockSize;
            Tensor values = nn
                .functional.pad(flat.narrow(0, start, length).to(ScalarType.Float32), [0, missing])
                .view(-1, Nf4.BlockSize);
            Tensor absmax = values.abs().amax([1L], keepdim: true); // [blocks, 1]
            values = where(absmax.eq(0), zeros_like(values), values.mul(absmax.reciprocal()));
            Tensor levels = zeros_like(values, dtype: ScalarType.Byte);
            foreach (float boundary in Nf4.Boundaries)
            {
                levels.add_(values.gt(boundary));
            }

            Tensor pairs = levels.view(-1).narrow(0, 0, length);
            pairs = nn.functional.pad(pairs, [0, length % 2]).view(-1, 2); // the last low half of an odd count is 0
            codes.Add(pairs.select(1, 0).mul(16).add(pairs.select(1, 1)).cpu().MoveToOuterDisposeScope());
            largest.Add(absmax.view(-1).cpu().MoveToOuterDisposeScope());
        }

        using Tensor blocks = cat(largest, 0);
        (byte[] absmaxCodes, float[] scales, float offset) = Nf4Quantizer.QuantizeAbsmax(RowParallel.Floats(blocks));
        return new Nf4Weight(weight.shape, cat(codes, 0), tensor(absmaxCodes), tensor(scales), offset);
    }

    /// <summary>The same codes on a device; a copy.</summary>
    public Nf4Weight On(Device device)
    {
        using IDisposable frozen = no_grad();
        return new Nf4Weight(
            Shape,
            Codes.to(device, copy: true),
            Absmax.to(device, copy: true),
            AbsmaxScale.to(device, copy: true),
            Offset
        );
    }

    /// <summary>The values in float32, in the matrix's shape, where the codes lie.</summary>
    public Tensor Dequantize()
    {
        using DisposeScope scope = NewDisposeScope();
        if (Codes.device.type != DeviceType.CPU)
        {
            return DequantizeByTorch().MoveToOuterDisposeScope();
        }

        long count = Count;
        Tensor values = empty([.. Shape], dtype: ScalarType.Float32);
        float[] absmax = DequantizeAbsmax();
        ForParts(
            count,
            (start, length) =>
            {
                int blocks = (length + Nf4.BlockSize - 1) / Nf4.BlockSize;
                Span<float> target = RowParallel.Floats(values).Slice((int)start, length);
                Nf4Quantizer.Dequantize(
                    Codes.bytes.Slice((int)(start / 2), (length + 1) / 2),
                    absmax.AsSpan((int)(start / Nf4.BlockSize), blocks),
                    target
                );
            }
        );
        return values.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The same by torch alone, wherever the codes lie: the definition, each product and sum rounded on its own.
    /// </summary>
    internal Tensor DequantizeByTorch()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Device device = Codes.device;
        Tensor code = tensor(DynamicCode.OfBothSigns(), device: device),
            levels = tensor(Nf4.Levels.ToArray(), device: device);
        Tensor scales = AbsmaxScale
            .unsqueeze(1)
            .expand(-1, Nf4.NestedBlockSize)
            .reshape(-1)
            .narrow(0, 0, Absmax.NumberOfElements);
        Tensor absmax = code.index_select(0, Absmax.to(ScalarType.Int32)).mul(scales).add(Offset); // [blocks]
        Tensor nibbles = stack(
                [
                    Codes.bitwise_right_shift(tensor((byte)4, device: device)),
                    Codes.bitwise_and(tensor((byte)15, device: device)),
                ],
                1
            )
            .reshape(-1)
            .narrow(0, 0, Count);
        Tensor values = levels.index_select(0, nibbles.to(ScalarType.Int32)); // [n]
        long whole = Count / Nf4.BlockSize * Nf4.BlockSize;
        values
            .narrow(0, 0, whole)
            .view(-1, Nf4.BlockSize)
            .mul_(absmax.narrow(0, 0, whole / Nf4.BlockSize).unsqueeze(1));
        if (whole < Count)
        {
            values.narrow(0, whole, Count - whole).mul_(absmax.narrow(0, whole / Nf4.BlockSize, 1));
        }

        return values.view([.. Shape]).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Codes.Dispose();
        Absmax.Dispose();
        AbsmaxScale.Dispose();
    }

    private float[] DequantizeAbsmax()
    {
        float[] code = DynamicCode.OfBothSigns();
        ReadOnlySpan<byte> codes = Absmax.bytes;
        ReadOnlySpan<float> scales = MemoryMarshal.Cast<byte, float>(AbsmaxScale.bytes);
        var absmax = new float[codes.Length];
        for (int i = 0; i < absmax.Length; i++)
        {
            absmax[i] = (code[codes[i]] * scales[i / Nf4.NestedBlockSize]) + Offset;
        }

        return absmax;
    }

    private static void ForParts(long count, Action<long, int> work) =>
        RowParallel.For(
            (count + ValuesAPart - 1) / ValuesAPart,
            ValuesAPart,
            (first, end) =>
            {
                for (int part = first; part < end; part++)
                {
                    long start = (long)part * ValuesAPart;
                    work(start, (int)Math.Min(ValuesAPart, count - start));
                }
            }
        );
}
