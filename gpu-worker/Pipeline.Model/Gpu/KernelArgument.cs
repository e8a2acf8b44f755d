using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// An argument of a kernel: a tensor's memory, or a number; eight bytes of which the kernel reads as many as its type
/// has.
/// </summary>
internal readonly partial struct KernelArgument
{
    private readonly long _bits;

    private KernelArgument(long bits) => _bits = bits;

    public static implicit operator KernelArgument(Tensor? tensor) => new(tensor is null ? 0 : Address(tensor));

    public static implicit operator KernelArgument(int value) => new(value);

    public static implicit operator KernelArgument(long value) => new(value);

    public static implicit operator KernelArgument(uint value) => new(value);

    public static implicit operator KernelArgument(float value) => new(BitConverter.SingleToUInt32Bits(value));

    public static implicit operator KernelArgument(bool value) => new(value ? 1 : 0);

    /// <summary>Where a tensor's first number lies, on its device.</summary>
    public static long Address(Tensor tensor) => THSTensor_data(tensor.Handle);

    [LibraryImport("LibTorchSharp")]
    private static partial nint THSTensor_data(nint handle);
}
