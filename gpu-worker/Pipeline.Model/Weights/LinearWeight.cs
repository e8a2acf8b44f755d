using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Weights;

/// <summary>
/// A frozen matrix, as float32 or in NF4. Of a matrix in NF4 the dequantised values may be kept once they were needed:
/// the same numbers without dequantising at each call, for the memory of the matrix in float32. The model decides by
/// its size.
/// </summary>
public sealed class LinearWeight : IDisposable
{
    private Nf4Weight? _quantized;
    private Tensor? _values; // float32 [out, in]

    private LinearWeight(Nf4Weight? quantized, Tensor? values, long outputs, long inputs)
    {
        (_quantized, _values, Out, In) = (quantized, values, outputs, inputs);
    }

    public long In { get; }
    public long Out { get; }

    /// <summary>The NF4 form; <c>null</c> when the matrix is held in float32.</summary>
    public Nf4Weight? Quantized => _quantized;

    /// <summary>Whether <see cref="Values"/> keeps what it dequantises. Default false.</summary>
    public bool KeepsDequantized { get; set; }

    /// <summary>Whether reading the values costs nothing: held in float32, or dequantised and kept.</summary>
    public bool IsCheap => _quantized is null || KeepsDequantized;

    /// <summary>Takes ownership of a float32 [out, in] matrix.</summary>
    public static LinearWeight Full(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new LinearWeight(null, values.DetachFromDisposeScope(), values.shape[0], values.shape[1]);
    }

    /// <summary>Takes ownership of a matrix in NF4.</summary>
    public static LinearWeight InNf4(Nf4Weight quantized)
    {
        ArgumentNullException.ThrowIfNull(quantized);
        return new LinearWeight(quantized, null, quantized.Shape[0], quantized.Shape[1]);
    }

    /// <summary>
    /// The values, float32 [out, in]. Owned by this object, or by the dispose scope of the caller when nothing is kept.
    /// </summary>
    public Tensor Values()
    {
        if (_values is not null)
        {
            return _values;
        }

        using IDisposable frozen = no_grad();
        Tensor values = _quantized!.Dequantize();
        if (KeepsDequantized)
        {
            _values = values.DetachFromDisposeScope();
        }

        return values;
    }

    /// <summary>Puts another matrix in the place of the one that is held.</summary>
    /// <exception cref="ModelException">The matrix is held in NF4, which cannot be trained.</exception>
    internal void Replace(Func<Tensor, Tensor> replacement) =>
        _values = _quantized is null
            ? replacement(_values!)
            : throw new ModelException("A base held in NF4 cannot be trained as a whole.");

    /// <summary>Puts the matrix on another device.</summary>
    internal void MoveTo(Func<Tensor, Tensor> move)
    {
        if (_quantized is not null)
        {
            _quantized = new Nf4Weight(
                _quantized.Shape,
                move(_quantized.Codes),
                move(_quantized.Absmax),
                move(_quantized.AbsmaxScale),
                _quantized.Offset
            );
        }

        _values = _values is null ? null : move(_values);
    }

    public void Dispose()
    {
        _quantized?.Dispose();
        _values?.Dispose();
    }
}
