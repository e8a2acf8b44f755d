using System.Runtime.InteropServices;

namespace Pipeline.Contracts;

/// <summary>
/// Whether a path leads to a file whose bytes can be read: opening a pipe may wait for ever, and a device has no end.
/// </summary>
public static partial class FileKind
{
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint TypeOnly = 1; // STATX_TYPE
    private const int StatxBytes = 256;
    private const int ModeOffset = 28; // of stx_mode in struct statx
    private const int TypeMask = 0xF000; // S_IFMT

    /// <summary>What a path leads to that is not a file, such as "a pipe"; <c>null</c>: a file, or nothing.</summary>
    /// <param name="path">The path.</param>
    /// <param name="mayBeLink">Whether a link to a file is one.</param>
    public static string? Fault(string path, bool mayBeLink)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path))
        {
            return "a folder";
        }

        if (!mayBeLink && new FileInfo(path).LinkTarget is not null)
        {
            return "a link";
        }

        return OperatingSystem.IsLinux() ? Kind(path) : null;
    }

    private static string? Kind(string path)
    {
        Span<byte> stat = stackalloc byte[StatxBytes];
        if (Statx(CurrentFolder, path, 0, TypeOnly, ref MemoryMarshal.GetReference(stat)) != 0)
        {
            return null; // opening it says why
        }

        return (BitConverter.ToUInt16(stat[ModeOffset..]) & TypeMask) switch
        {
            0x1000 => "a pipe",
            0x2000 or 0x6000 => "a device",
            0xC000 => "a socket",
            _ => null,
        };
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, ref byte stat);
}
