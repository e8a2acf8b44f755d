using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>Tensors on their way to a device.</summary>
internal static class TensorTransfer
{
    /// <summary>A copy on the device, from pinned memory where that is a GPU: the host does not wait for it.</summary>
    public static Tensor ToDeviceAsync(this Tensor here, Device device)
    {
        ArgumentNullException.ThrowIfNull(here);
        if (device.type != DeviceType.CUDA)
        {
            return here.to(device, copy: true);
        }

        using Tensor pinned = here.pin_memory();
        return pinned.to(device, non_blocking: true); // torch gives the pinned memory back when the copy is done
    }
}
