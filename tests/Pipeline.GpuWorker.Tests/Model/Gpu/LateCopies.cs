using System.Runtime.InteropServices;
using Pipeline.Model.Gpu;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// Copies that are made as late as a device may make them: when they are awaited. Who reads, writes or gives back too
/// early gets wrong numbers, or fails here.
/// </summary>
internal sealed class LateCopies : IHostCopies
{
    private readonly Dictionary<nint, Action> _begun = [];
    private readonly HashSet<nint> _held = [];
    private nint _last;

    public nint Allocate(long bytes)
    {
        nint memory = Marshal.AllocHGlobal((nint)bytes);
        _held.Add(memory);
        return memory;
    }

    public void Free(nint memory)
    {
        Assert.Empty(_begun);
        Assert.True(_held.Remove(memory));
        Marshal.FreeHGlobal(memory);
    }

    public nint ToHost(Tensor from, nint to) =>
        Begin(() => Marshal.Copy(from.bytes.ToArray(), 0, to, from.bytes.Length));

    public nint ToDevice(nint from, Tensor to)
    {
        to.fill_(float.NaN); // whoever reads it now has not waited
        return Begin(() => Marshal.Copy(Read(from, to.bytes.Length), 0, KernelAddress(to), to.bytes.Length));
    }

    public void Await(nint mark)
    {
        Assert.True(_begun.Remove(mark, out Action? copy));
        copy();
    }

    public void Dispose()
    {
        Assert.Empty(_begun);
        Assert.Empty(_held);
    }

    private static byte[] Read(nint from, int count)
    {
        var bytes = new byte[count];
        Marshal.Copy(from, bytes, 0, count);
        return bytes;
    }

    private static nint KernelAddress(Tensor tensor) => (nint)KernelArgument.Address(tensor);

    private nint Begin(Action copy)
    {
        _begun[++_last] = copy;
        return _last;
    }
}
