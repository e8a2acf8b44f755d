using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// What tokens begin as, a row each: on the device, or only in the host's memory, where a batch's rows are taken from
/// and sent.
/// </summary>
internal sealed class EmbeddingTable : IDisposable
{
    private readonly Device _device;
    private readonly ScalarType _real;
    private readonly bool _tied;
    private Tensor? _there; // [vocabulary, hidden]
    private Tensor? _here; // the same on the host, where it has been away or was loaded
    private readonly bool _ownsHere;

    /// <summary>On the device at first.</summary>
    /// <param name="onDevice">[vocabulary, hidden]; owned from then on.</param>
    /// <param name="here">The same on the host, in any numbers that round to these; not owned. <c>null</c>: there is
    /// none.</param>
    /// <param name="tied">Whether it is the head too, which stays on the device.</param>
    public EmbeddingTable(Tensor onDevice, Tensor? here, bool tied)
    {
        ArgumentNullException.ThrowIfNull(onDevice);
        (_there, _here, _tied, _ownsHere) = (onDevice.DetachFromDisposeScope(), here, tied, here is null);
        (_device, _real) = (onDevice.device, onDevice.dtype);
    }

    /// <summary>Bytes on the device.</summary>
    public long Bytes => _there is null ? 0 : _there.NumberOfElements * _there.ElementSize;

    /// <summary>Leaves it to the host, unless it is the head too.</summary>
    public void OffloadToHost()
    {
        if (_tied || _there is null)
        {
            return;
        }

        _here ??= _there.to(CPU, copy: true).DetachFromDisposeScope();
        _there.Dispose();
        _there = null;
    }

    /// <summary>Puts it on the device again.</summary>
    public void RestoreToDevice()
    {
        using DisposeScope scope = NewDisposeScope();
        _there ??= _here!.to(_real).to(_device, copy: true).DetachFromDisposeScope();
    }

    /// <summary>
    /// The rows of tokens, on the device, in the caller's dispose scope; the host does not wait for them.
    /// </summary>
    /// <param name="kernels">Gather.</param>
    /// <param name="ids">int32 [tokens], on the device.</param>
    /// <param name="same">The same on the host.</param>
    /// <returns>[tokens, hidden].</returns>
    public Tensor Rows(GpuKernels kernels, Tensor ids, IReadOnlyList<int> same)
    {
        ArgumentNullException.ThrowIfNull(kernels);
        if (_there is not null)
        {
            return Rows(kernels, ids);
        }

        using DisposeScope scope = NewDisposeScope();
        return _here!.index_select(0, tensor([.. same])).to(_real).ToDeviceAsync(_device).MoveToOuterDisposeScope();
    }

    /// <summary>The rows of tokens while it is on the device.</summary>
    /// <exception cref="InvalidOperationException">It is not.</exception>
    public Tensor Rows(GpuKernels kernels, Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(kernels);
        ArgumentNullException.ThrowIfNull(ids);
        Tensor table = _there ?? throw new InvalidOperationException("The embeddings are not on the device.");
        Tensor rows = empty(ids.NumberOfElements, table.shape[1], dtype: _real, device: _device);
        kernels.Gather(table, ids, rows);
        return rows;
    }

    public void Dispose()
    {
        _there?.Dispose();
        if (_ownsHere)
        {
            _here?.Dispose();
        }
    }
}
