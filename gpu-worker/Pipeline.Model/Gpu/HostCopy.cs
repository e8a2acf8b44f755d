using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>Numbers on their way from a device to the host, which waits for them only when it reads them.</summary>
internal sealed class HostCopy : IDisposable
{
    private readonly Tensor _here;
    private readonly nint _done; // an event; 0: they are here

    /// <summary>Begins the copy behind all that was queued.</summary>
    /// <param name="there">float32.</param>
    public HostCopy(Tensor there)
    {
        ArgumentNullException.ThrowIfNull(there);
        bool away = there.device.type == DeviceType.CUDA;
        // torch pins what it copies to unwaited
        _here = (away ? there.to(CPU, non_blocking: true) : there.clone()).DetachFromDisposeScope();
        _done = away ? CudaDriver.Record() : 0;
    }

    /// <summary>The numbers.</summary>
    public float[] Read()
    {
        if (_done != 0)
        {
            CudaDriver.Wait(_done);
        }

        return _here.data<float>().ToArray();
    }

    public void Dispose()
    {
        if (_done != 0)
        {
            CudaDriver.Wait(_done); // the device must not write into what is gone
            CudaDriver.Forget(_done);
        }

        _here.Dispose();
    }
}
