using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pipeline.Model.Kernels;

/// <summary>
/// How long OpenMP's threads wait in a loop for the next product before they sleep. By default that is so long that any
/// other program on the machine makes a training step take seconds: a thread that waits holds the core that the other
/// one needs. 10,000 turns cost nothing on a quiet machine (EXPERIMENTS.md).
/// </summary>
internal static partial class OpenMpWaiting
{
    private const string Turns = "10000";

    /// <summary>libgomp reads its environment when it is loaded, which is at the first use of torch.</summary>
#pragma warning disable CA2255 // it has to happen before torch is loaded, whoever loads it
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Limit()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is not null)
        {
            return;
        }

        try
        {
            _ = setenv("GOMP_SPINCOUNT", Turns, 0); // what is set already stays
        }
        catch (Exception fault) when (fault is DllNotFoundException or EntryPointNotFoundException)
        {
            // another C library
        }
    }

    /// <summary>The C library's own: .NET's copy of the environment is not what native code reads.</summary>
    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int setenv(string name, string value, int overwrite);
}
