using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Quantization;

/// <summary>
/// A weight matrix in NF4 with double quantisation: 4 bits a value, an 8-bit absmax for each 64 values, a float32 scale
/// for each 256 absmax, one offset. Format: bitsandbytes <c>functional.quantize_4bit(…, compress_statistics=True)</c>.
/// </summary>
public sealed class Nf4Weight : IDisposable
{
    private readonly long[] _shape;
    private readonly Tensor _codes;       // u8 [ceil(n / 2)], the first value in the high nibble
    private readonly Tensor _absmax;      // u8 [blocks]
    private readonly Tensor _absmaxScale; // f32 [ceil(blocks / 256)]
    private readonly float _offset;

    private Nf4Weight(long[] shape, Tensor codes, Tensor absmax, Tensor absmaxScale, float offset)
    {
        _shape = shape;
        _codes = codes.DetachFromDisposeScope();
        _absmax = absmax.DetachFromDisposeScope();
        _absmaxScale = absmaxScale.DetachFromDisposeScope();
        _offset = offset;
    }

    /// <summary>The codes, u8 [ceil(n / 2)].</summary>
    public Tensor Codes => _codes;

    /// <summary>The quantised absmax, u8 [ceil(n / 64)].</summary>
    public Tensor Absmax => _absmax;

    /// <summary>The scales of the absmax, f32 [ceil(blocks / 256)].</summary>
    public Tensor AbsmaxScale => _absmaxScale;

    /// <summary>The mean of the absmax, taken away before they are quantised.</summary>
    public float Offset => _offset;

    /// <summary>Bytes held.</summary>
    public long Bytes => _codes.NumberOfElements + _absmax.NumberOfElements + (4 * _absmaxScale.NumberOfElements) + 4;

    /// <summary>Quantises a matrix.</summary>
    /// <param name="weight">float32, any shape, on the CPU.</param>
    public static Nf4Weight Quantize(Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        using DisposeScope scope = NewDisposeScope();
        using var accessor = weight.contiguous().data<float>();
        (byte[] codes, float[] absmax) = Nf4Quantizer.Quantize(accessor.ToArray());
        (byte[] absmaxCodes, float[] scales, float offset) = Nf4Quantizer.QuantizeAbsmax(absmax);
        return new Nf4Weight(weight.shape, tensor(codes), tensor(absmaxCodes), tensor(scales), offset);
    }

    /// <summary>The values in float32, in the matrix's shape.</summary>
    public Tensor Dequantize()
    {
        using DisposeScope scope = NewDisposeScope();
        long count = _shape.Aggregate(1L, (a, b) => a * b);
        Tensor code = tensor(Nf4.DynamicCode(), device: _codes.device);
        Tensor levels = tensor(Nf4.Levels.ToArray(), device: _codes.device);
        Tensor scale = _absmaxScale.repeat_interleave(Nf4.NestedBlockSize).narrow(0, 0, _absmax.NumberOfElements); // [blocks]
        Tensor absmax = code.index_select(0, _absmax.to(ScalarType.Int64)).mul_(scale).add_(_offset);               // [blocks]
        Tensor high = _codes.bitwise_right_shift(tensor((byte)4, device: _codes.device));
        Tensor low = _codes.bitwise_and(tensor((byte)15, device: _codes.device));
        Tensor indices = stack([high, low], 1).reshape(-1).narrow(0, 0, count).to(ScalarType.Int64);                // [n]
        Tensor perValue = absmax.repeat_interleave(Nf4.BlockSize).narrow(0, 0, count);                              // [n]
        return levels.index_select(0, indices).mul_(perValue).reshape(_shape).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _codes.Dispose();
        _absmax.Dispose();
        _absmaxScale.Dispose();
    }
}
