using Pipeline.Model.Llama;
using Pipeline.Model.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Frozen linear layers that read the same input, one below the other, on the device: as NF4 codes, or as numbers.
/// </summary>
internal sealed class FrozenGroup : IDisposable
{
    private readonly Nf4Weight[] _quantized;
    private readonly Tensor? _values;

    /// <summary>Copies layers to the device.</summary>
    /// <param name="members">The layers.</param>
    /// <param name="real">The numbers there.</param>
    /// <param name="device">Where.</param>
    public FrozenGroup(IReadOnlyList<Projection> members, ScalarType real, Device device)
    {
        using DisposeScope scope = NewDisposeScope();
        Outs = [.. members.Select(m => m.Out)];
        (Out, In) = (Outs.Sum(), members[0].In);
        Bias = members[0].Bias is null
            ? null
            : cat([.. members.Select(m => m.Bias!)], 0).to(real).to(device).DetachFromDisposeScope();
        _quantized = [.. members.Select(m => m.Weight.Quantized).OfType<Nf4Weight>().Select(q => q.On(device))];
        _values =
            _quantized.Length > 0
                ? null
                : cat([.. members.Select(m => m.Weight.Values().to(real))], 0).to(device).DetachFromDisposeScope();
    }

    /// <summary>Takes ownership of codes that lie on the device already.</summary>
    public FrozenGroup(IReadOnlyList<Nf4Weight> members)
    {
        ArgumentNullException.ThrowIfNull(members);
        _quantized = [.. members];
        Outs = [.. members.Select(m => m.Shape[0])];
        (Out, In) = (Outs.Sum(), members[0].Shape[1]);
    }

    public long In { get; }

    /// <summary>Outputs of all members.</summary>
    public long Out { get; }

    /// <summary>Bytes of the weights on the device.</summary>
    public long Bytes =>
        _values is null ? _quantized.Sum(q => q.Bytes) : _values.NumberOfElements * _values.ElementSize;

    /// <summary>Outputs of each member.</summary>
    public IReadOnlyList<long> Outs { get; }

    /// <summary>[out]; <c>null</c>: none.</summary>
    public Tensor? Bias { get; }

    /// <summary>The values, [out, in]; of codes in a buffer that the next group will write over.</summary>
    /// <param name="kernels">Dequantise.</param>
    /// <param name="buffer">Numbers for the largest group.</param>
    public Tensor Values(GpuKernels kernels, Tensor buffer)
    {
        if (_values is not null)
        {
            return _values.alias();
        }

        long at = 0;
        foreach (Nf4Weight part in _quantized)
        {
            using Tensor place = buffer.narrow(0, at, part.Count);
            kernels.Dequantize(part, place);
            at += part.Count;
        }

        using Tensor flat = buffer.narrow(0, 0, at);
        return flat.view(Out, In);
    }

    /// <summary>A few rows times the codes, which are not dequantised into a buffer for them.</summary>
    /// <param name="kernels">Multiply.</param>
    /// <param name="input">[rows, in].</param>
    /// <returns>[rows, out], without bias; <c>null</c>: the weights are numbers, or the rows are many.</returns>
    public Tensor? Multiply(GpuKernels kernels, Tensor input)
    {
        if (_values is not null || input.shape[0] > GpuKernels.RowsAProduct)
        {
            return null;
        }

        Tensor output = empty(input.shape[0], Out, dtype: input.dtype, device: input.device);
        long at = 0;
        foreach (Nf4Weight part in _quantized)
        {
            using Tensor place = output.narrow(1, at, part.Shape[0]);
            kernels.Multiply(part, input, place);
            at += part.Shape[0];
        }

        return output;
    }

    public void Dispose()
    {
        Array.ForEach(_quantized, q => q.Dispose());
        _values?.Dispose();
        Bias?.Dispose();
    }
}
