using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>Numbers on their way from a device to the host, which waits for them only when it reads them.</summary>
internal sealed class HostCopy : IDisposable
{
    private readonly Tensor _here;
    private readonly nint _done; // an event; 0: they are here

    /// <summary>Begins the copy after all that was queued.</summary>
    /// <param name="onDevice">float32.</param>
    public HostCopy(Tensor onDevice)
    {
        ArgumentNullException.ThrowIfNull(onDevice);
        bool away = onDevice.device.type == DeviceType.CUDA;
        // torch pins what it copies to unwaited
        _here = (away ? onDevice.to(CPU, non_blocking: true) : onDevice.clone()).DetachFromDisposeScope();
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
