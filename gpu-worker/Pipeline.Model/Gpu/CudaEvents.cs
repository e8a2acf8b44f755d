using System.Runtime.InteropServices;

namespace Pipeline.Model.Gpu;

/// <summary>Marks in the order of the device's work (CUDA Driver API reference, Event Management).</summary>
internal static unsafe partial class CudaDriver
{
    private const uint WithoutTiming = 2;

    /// <summary>A mark after all that was put on a stream.</summary>
    /// <param name="stream">0: the default one, which is torch's.</param>
    public static nint Record(nint stream = 0)
    {
        Enter();
        ThrowOnError(cuEventCreate(out nint mark, WithoutTiming), "making an event");
        ThrowOnError(cuEventRecord(mark, stream), "recording an event");
        return mark;
    }

    /// <summary>Waits until the device is past a mark.</summary>
    public static void Wait(nint mark) => ThrowOnError(cuEventSynchronize(mark), "waiting for an event");

    /// <summary>Gives a mark back; what waits for it goes on waiting.</summary>
    public static void Forget(nint mark) => ThrowOnError(cuEventDestroy_v2(mark), "giving an event back");

    [LibraryImport(Library)]
    private static partial int cuEventCreate(out nint mark, uint flags);

    [LibraryImport(Library)]
    private static partial int cuEventRecord(nint mark, nint stream);

    [LibraryImport(Library)]
    private static partial int cuEventSynchronize(nint mark);

    [LibraryImport(Library)]
    private static partial int cuEventDestroy_v2(nint mark);
}
