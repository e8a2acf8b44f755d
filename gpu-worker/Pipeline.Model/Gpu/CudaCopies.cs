using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Copies on a stream of their own beside torch's (CUDA Driver API reference, Stream and Memory Management).
/// </summary>
internal sealed class CudaCopies : IHostCopies
{
    private readonly nint _stream = CudaDriver.MakeStream();

    /// <inheritdoc/>
    public nint Allocate(long bytes) => CudaDriver.AllocatePinned(bytes);

    /// <inheritdoc/>
    public void Free(nint memory)
    {
        CudaDriver.Finish(_stream); // what was awaited on torch's stream may still be under way
        CudaDriver.FreePinned(memory);
    }

    /// <inheritdoc/>
    public nint ToHost(Tensor from, nint to)
    {
        ArgumentNullException.ThrowIfNull(from);
        FollowTorch();
        CudaDriver.CopyToHost(to, KernelArgument.Address(from), from.NumberOfElements * from.ElementSize, _stream);
        return CudaDriver.Record(_stream);
    }

    /// <inheritdoc/>
    public nint ToDevice(nint from, Tensor to)
    {
        ArgumentNullException.ThrowIfNull(to);
        FollowTorch(); // the memory may be what something queued still reads or writes
        CudaDriver.CopyToDevice(KernelArgument.Address(to), from, to.NumberOfElements * to.ElementSize, _stream);
        return CudaDriver.Record(_stream);
    }

    /// <inheritdoc/>
    public void Await(nint mark)
    {
        CudaDriver.Follow(stream: 0, mark);
        CudaDriver.Forget(mark);
    }

    public void Dispose() => CudaDriver.DropStream(_stream);

    private void FollowTorch()
    {
        nint mark = CudaDriver.Record();
        CudaDriver.Follow(_stream, mark);
        CudaDriver.Forget(mark);
    }
}

/// <summary>Streams, and memory that the device reaches by itself.</summary>
internal static unsafe partial class CudaDriver
{
    private const uint NonBlocking = 1;

    /// <summary>A stream that goes its own way beside the default one.</summary>
    public static nint MakeStream()
    {
        Enter();
        ThrowOnError(cuStreamCreate(out nint stream, NonBlocking), "making a stream");
        return stream;
    }

    /// <summary>Gives a stream back when its work is done.</summary>
    // at the end of the process the driver may have gone before
    public static void DropStream(nint stream) => _ = cuStreamDestroy_v2(stream);

    /// <summary>Waits until a stream's work is done.</summary>
    public static void Finish(nint stream) => ThrowOnError(cuStreamSynchronize(stream), "waiting for a stream");

    /// <summary>What is put on a stream from now on waits for a mark; the host does not.</summary>
    public static void Follow(nint stream, nint mark) =>
        ThrowOnError(cuStreamWaitEvent(stream, mark, 0), "waiting for an event on a stream");

    /// <summary>Pinned memory of the host.</summary>
    public static nint AllocatePinned(long bytes)
    {
        Enter();
        ThrowOnError(cuMemHostAlloc(out nint memory, (nuint)bytes, 0), $"taking {bytes >> 20:N0} MiB of pinned memory");
        return memory;
    }

    /// <summary>Gives pinned memory back.</summary>
    // at the end of the process the driver may have gone before
    public static void FreePinned(nint memory) => _ = cuMemFreeHost(memory);

    /// <summary>Puts a copy from the device on a stream.</summary>
    public static void CopyToHost(nint to, long from, long bytes, nint stream) =>
        ThrowOnError(cuMemcpyDtoHAsync_v2(to, (ulong)from, (nuint)bytes, stream), "copying to the host");

    /// <summary>Puts a copy to the device on a stream.</summary>
    public static void CopyToDevice(long to, nint from, long bytes, nint stream) =>
        ThrowOnError(cuMemcpyHtoDAsync_v2((ulong)to, from, (nuint)bytes, stream), "copying to the device");

    [LibraryImport(Library)]
    private static partial int cuStreamCreate(out nint stream, uint flags);

    [LibraryImport(Library)]
    private static partial int cuStreamDestroy_v2(nint stream);

    [LibraryImport(Library)]
    private static partial int cuStreamSynchronize(nint stream);

    [LibraryImport(Library)]
    private static partial int cuStreamWaitEvent(nint stream, nint mark, uint flags);

    [LibraryImport(Library)]
    private static partial int cuMemHostAlloc(out nint memory, nuint bytes, uint flags);

    [LibraryImport(Library)]
    private static partial int cuMemFreeHost(nint memory);

    [LibraryImport(Library)]
    private static partial int cuMemcpyDtoHAsync_v2(nint to, ulong from, nuint bytes, nint stream);

    [LibraryImport(Library)]
    private static partial int cuMemcpyHtoDAsync_v2(ulong to, nint from, nuint bytes, nint stream);
}
