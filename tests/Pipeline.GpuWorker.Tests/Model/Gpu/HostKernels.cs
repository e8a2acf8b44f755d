using System.Runtime.InteropServices;
using Pipeline.Model.Gpu;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// The very text of the kernels, compiled by g++ and run on the host, a fiber a thread: what they compute is tested
/// where no GPU is.
/// </summary>
internal sealed unsafe class HostKernels : IKernelLauncher
{
    private static readonly Dictionary<ScalarType, nint> Libraries = [];
    private readonly nint _library;

    private HostKernels(ScalarType real)
    {
        Real = real;
        lock (Libraries)
        {
            _library = Libraries.TryGetValue(real, out nint known) ? known : Libraries[real] = Compile(real);
        }
    }

    /// <summary>
    /// The kernels on the host; a test that asks for them is skipped where there is no compiler, which users' machines
    /// need not have.
    /// </summary>
    public static GpuKernels Load(ScalarType real) => new(Launcher(real), CPU);

    /// <summary>What stands for a GPU where there is none: its kernels on the host, and memory as given.</summary>
    public static Accelerator Accelerator(ScalarType real, long freeBytes = 64L << 30) =>
        new(Load(real), "the kernels on the host", () => (freeBytes, freeBytes));

    /// <summary>What runs them.</summary>
    public static HostKernels Launcher(ScalarType real)
    {
        HostCompiler.Require();
        return new HostKernels(real);
    }

    public ScalarType Real { get; }

    public int MaxBlocks => 3; // so few that every loop over the grid goes round

    public void Launch(string kernel, long blocks, int threads, ReadOnlySpan<KernelArgument> arguments)
    {
        var launch = (delegate* unmanaged<void**, uint, uint, uint, void>)
            NativeLibrary.GetExport(_library, $"launch_{kernel}");
        fixed (KernelArgument* first = arguments)
        {
            void** places = stackalloc void*[arguments.Length];
            for (int i = 0; i < arguments.Length; i++)
            {
                places[i] = first + i;
            }

            lock (Libraries)
            {
                launch(places, (uint)blocks, 1, (uint)threads);
            }
        }
    }

    public void Dispose()
    {
        // the library stays for the next test
    }

    private static bool HasBarriers(string kernel)
    {
        string from = KernelSource.Text[KernelSource.Text.IndexOf($"void {kernel}(", StringComparison.Ordinal)..];
        string body = from[..from.IndexOf("\n}", StringComparison.Ordinal)];
        return body.Contains("__syncthreads", StringComparison.Ordinal)
            || body.Contains("block_", StringComparison.Ordinal);
    }

    private static nint Compile(ScalarType real)
    {
        string source = Path.Combine(Path.GetTempPath(), $"pipeline-kernels-{Guid.NewGuid():N}.cpp");
        string header = RepositoryFiles.At("tests", "Pipeline.GpuWorker.Tests", "Model", "Gpu", "host_device.h");
        IEnumerable<string> entries = KernelSource.Kernels.Select(k =>
            $"extern \"C\" void launch_{k}(void** a, unsigned x, unsigned y, unsigned b) {{ "
            + $"host_launch(&{k}, a, x, y, b, {(HasBarriers(k) ? "true" : "false")}); }}"
        );
        File.WriteAllText(source, $"{File.ReadAllText(header)}\n{KernelSource.Text}\n{string.Join('\n', entries)}\n");
        try
        {
            string library = HostCompiler.Compile(
                source,
                [
                    "-ffp-contract=off",
                    "-fno-strict-aliasing",
                    .. real == ScalarType.Float32 ? (string[])["-DPIPELINE_FLOAT"] : [],
                ]
            );
            nint loaded = NativeLibrary.Load(library);
            File.Delete(library); // what is loaded stays
            return loaded;
        }
        finally
        {
            File.Delete(source);
        }
    }
}
