using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>Copies between the device and memory of the host, beside what the device computes.</summary>
internal interface IHostCopies : IDisposable
{
    /// <summary>Memory of the host that the device reaches by itself.</summary>
    nint Allocate(long bytes);

    /// <summary>Gives it back; no copy may be under way.</summary>
    void Free(nint memory);

    /// <summary>Begins a copy after all that was queued.</summary>
    /// <param name="from">Contiguous, on the device; stays as it is, and is not given back, until the copy was
    /// awaited.</param>
    /// <param name="to">As many bytes.</param>
    /// <returns>A mark after the copy, to be awaited once.</returns>
    nint ToHost(Tensor from, nint to);

    /// <summary>Begins a copy after all that was queued.</summary>
    /// <param name="from">As many bytes.</param>
    /// <param name="to">Contiguous, on the device; not to be read, and not given back, until the copy was
    /// awaited.</param>
    /// <returns>A mark after the copy, to be awaited once.</returns>
    nint ToDevice(nint from, Tensor to);

    /// <summary>What is queued from now on waits for the mark; the host does not.</summary>
    void Await(nint mark);
}
