using System.Runtime.InteropServices;

namespace Pipeline.Model.Gpu;

/// <summary>Faults of the GPU's memory.</summary>
public static class DeviceMemory
{
    /// <summary>
    /// Whether a fault of libtorch says that the GPU's memory ran out. TorchSharp passes every fault of libtorch on as
    /// the same type, so this is the one place that has to read its text (<c>c10::OutOfMemoryError</c>).
    /// </summary>
    public static bool RanOut(ExternalException fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        return fault.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);
    }
}
