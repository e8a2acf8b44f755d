using System.Runtime.InteropServices;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// While a large base is read, blocks of a megabyte and more shall come from the system and go back to it. By default
/// glibc raises that limit to 32 MiB as it goes, and matrices that stay then lie among parts that were freed: 2.1 GiB
/// more for a 7B (EXPERIMENTS.md).
/// </summary>
internal sealed partial class NativeHeap : IDisposable
{
    private const int MmapThreshold = -3; // M_MMAP_THRESHOLD of malloc.h
    private const int Small = 1 << 20;
    private const int Large = 32 << 20;

    public NativeHeap() => Set(Small);

    public void Dispose() => Set(Large);

    private static void Set(int bytes)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        try
        {
            _ = mallopt(MmapThreshold, bytes);
        }
        catch (Exception fault) when (fault is DllNotFoundException or EntryPointNotFoundException)
        {
            // another C library, which has no such setting
        }
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);
}
