using System.Runtime.InteropServices;

namespace Pipeline.Model.Gpu;

/// <summary>What is used of the CUDA driver's interface (<c>libcuda.so.1</c>; CUDA Driver API reference).</summary>
internal static unsafe partial class CudaDriver
{
    private const string Library = "libcuda.so.1";
    private static nint Shared;

    [ThreadStatic]
    private static nint Entered;
    private const int Multiprocessors = 16;
    private const int CapabilityMajor = 75;
    private const int CapabilityMinor = 76;

    /// <summary>Makes the driver ready.</summary>
    /// <returns>What is wrong; <c>null</c>: nothing.</returns>
    public static string? Start()
    {
        if (!NativeLibrary.TryLoad(Library, out nint _))
        {
            return $"there is no {Library}: no NVIDIA driver is installed, or the container was started without its "
                + "GPU (docker run --gpus all)";
        }

        int result = cuInit(0);
        return result == 0 ? null : $"the driver does not start: {Name(result)}; nvidia-smi tells more";
    }

    /// <summary>Devices there are.</summary>
    public static int Count()
    {
        ThrowOnError(cuDeviceGetCount(out int count), "counting devices");
        return count;
    }

    /// <summary>The driver's CUDA version, 13000 for 13.0.</summary>
    public static int Version()
    {
        ThrowOnError(cuDriverGetVersion(out int version), "asking for the version");
        return version;
    }

    /// <summary>The first device: its name, compute capability and multiprocessors.</summary>
    public static (string Name, int Major, int Minor, int Multiprocessors) Device()
    {
        Span<byte> name = stackalloc byte[256];
        fixed (byte* at = name)
        {
            ThrowOnError(cuDeviceGetName(at, name.Length, 0), "asking for the device's name");
        }

        return (
            System.Text.Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]),
            Attribute(CapabilityMajor),
            Attribute(CapabilityMinor),
            Attribute(Multiprocessors)
        );
    }

    /// <summary>
    /// Memory of the current device, in bytes; needs a context, which torch makes at its first tensor.
    /// </summary>
    public static (long Free, long Total) Memory()
    {
        Enter();
        ThrowOnError(cuMemGetInfo_v2(out nuint free, out nuint total), "asking for free memory");
        return ((long)free, (long)total);
    }

    /// <summary>Takes the context that torch works in on this thread for all threads.</summary>
    public static void UseThisContext() => ThrowOnError(cuCtxGetCurrent(out Shared), "asking for the context");

    /// <summary>Sees to it that this thread is in the context: torch may not have worked on it yet.</summary>
    private static void Enter()
    {
        if (Entered != Shared)
        {
            ThrowOnError(cuCtxSetCurrent(Shared), "entering the context");
            Entered = Shared;
        }
    }

    /// <summary>Loads a compiled program.</summary>
    public static nint Load(ReadOnlySpan<byte> image)
    {
        fixed (byte* at = image)
        {
            Enter();
            ThrowOnError(cuModuleLoadData(out nint module, at), "loading the kernels");
            return module;
        }
    }

    /// <summary>A kernel of a program.</summary>
    public static nint Function(nint module, string name)
    {
        ThrowOnError(cuModuleGetFunction(out nint function, module, name), $"finding the kernel {name}");
        return function;
    }

    /// <summary>Puts a kernel on the default stream, which is torch's.</summary>
    public static void Launch(nint function, uint blocks, uint threads, void** arguments, string name)
    {
        Enter();
        int result = cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, 0, arguments, null);
        if (result != 0)
        {
            ThrowOnError(result, $"starting the kernel {name}");
        }
    }

    /// <summary>Gives a program back.</summary>
    // at the end of the process the driver may have gone before
    public static void Unload(nint module) => _ = cuModuleUnload(module);

    private static int Attribute(int attribute)
    {
        ThrowOnError(cuDeviceGetAttribute(out int value, attribute, 0), "asking for the device's properties");
        return value;
    }

    private static void ThrowOnError(int result, string doing)
    {
        if (result != 0)
        {
            throw new ModelException($"CUDA failed at {doing}: {Name(result)}.");
        }
    }

    private static string Name(int result) =>
        cuGetErrorName(result, out nint name) == 0 ? Marshal.PtrToStringUTF8(name) ?? $"{result}" : $"{result}";

    [LibraryImport(Library)]
    private static partial int cuInit(uint flags);

    [LibraryImport(Library)]
    private static partial int cuGetErrorName(int result, out nint name);

    [LibraryImport(Library)]
    private static partial int cuDriverGetVersion(out int version);

    [LibraryImport(Library)]
    private static partial int cuDeviceGetCount(out int count);

    [LibraryImport(Library)]
    private static partial int cuDeviceGetName(byte* name, int length, int device);

    [LibraryImport(Library)]
    private static partial int cuDeviceGetAttribute(out int value, int attribute, int device);

    [LibraryImport(Library)]
    private static partial int cuMemGetInfo_v2(out nuint free, out nuint total);

    [LibraryImport(Library)]
    private static partial int cuCtxGetCurrent(out nint context);

    [LibraryImport(Library)]
    private static partial int cuCtxSetCurrent(nint context);

    [LibraryImport(Library)]
    private static partial int cuModuleLoadData(out nint module, byte* image);

    [LibraryImport(Library)]
    private static partial int cuModuleUnload(nint module);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int cuModuleGetFunction(out nint function, nint module, string name);

    [LibraryImport(Library)]
    private static partial int cuLaunchKernel(
        nint function,
        uint gridX,
        uint gridY,
        uint gridZ,
        uint blockX,
        uint blockY,
        uint blockZ,
        uint sharedBytes,
        nint stream,
        void** arguments,
        void** extra
    );
}
