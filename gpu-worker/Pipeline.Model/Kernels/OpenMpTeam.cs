using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Pipeline.Model.Kernels;

/// <summary>
/// Runs our own work on the threads that torch's products run on (GNU OpenMP's, <c>GOMP_parallel</c>). Threads of our
/// own would fight with these: after a product they wait in a loop for the next one, on every core there is
/// (EXPERIMENTS.md).
/// </summary>
internal static unsafe class OpenMpTeam
{
    private static readonly delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> Parallel;
    private static readonly delegate* unmanaged<int> ThreadNumber;

    static OpenMpTeam()
    {
        if (
            Library() is { } path
            && NativeLibrary.TryLoad(path, out nint library)
            && NativeLibrary.TryGetExport(library, "GOMP_parallel", out nint parallel)
            && NativeLibrary.TryGetExport(library, "omp_get_thread_num", out nint number)
        )
        {
            Parallel = (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)parallel;
            ThreadNumber = (delegate* unmanaged<int>)number;
        }
    }

    /// <summary>Whether torch in this process runs on GNU OpenMP.</summary>
    public static bool IsThere => Parallel is not null;

    /// <summary>
    /// Calls <paramref name="work"/> once with each number below <paramref name="threads"/>, each on a thread of the
    /// team.
    /// </summary>
    /// <exception cref="Exception">What one of the calls threw.</exception>
    public static void Run(int threads, Action<int> work)
    {
        var call = new Call(threads, work);
        GCHandle handle = GCHandle.Alloc(call);
        try
        {
            Parallel(&Enter, (void*)GCHandle.ToIntPtr(handle), (uint)threads, 0);
        }
        finally
        {
            handle.Free();
        }

        call.Fault?.Throw();
        call.RunRest();
    }

    [UnmanagedCallersOnly]
    private static void Enter(void* data) => ((Call)GCHandle.FromIntPtr((nint)data).Target!).Enter(ThreadNumber());

    /// <summary>The very file that libtorch has loaded: another copy would have another team.</summary>
    private static string? Library() =>
        OperatingSystem.IsLinux() && File.Exists("/proc/self/maps")
            ? File.ReadLines("/proc/self/maps")
                .Select(l => l[(l.LastIndexOf(' ') + 1)..])
                .FirstOrDefault(p => Path.GetFileName(p).StartsWith("libgomp", StringComparison.Ordinal))
            : null;

    private sealed class Call(int threads, Action<int> work)
    {
        private readonly bool[] _done = new bool[threads];

        public ExceptionDispatchInfo? Fault { get; private set; }

        public void Enter(int thread)
        {
            try
            {
                work(thread);
                _done[thread] = true;
            }
            catch (Exception fault)
            {
                Fault = ExceptionDispatchInfo.Capture(fault); // it must not leave through native frames
            }
        }

        /// <summary>The team may be smaller than asked for.</summary>
        [MethodImpl(MethodImplOptions.NoInlining)]
        public void RunRest()
        {
            for (int i = 0; i < threads; i++)
            {
                if (!_done[i])
                {
                    work(i);
                }
            }
        }
    }
}
