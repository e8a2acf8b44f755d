using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// The kernels on the first CUDA device, compiled for it with NVRTC or taken from the cache, on torch's default stream.
/// </summary>
internal sealed unsafe class CudaKernels : IKernelLauncher
{
    private const int BlocksAMultiprocessor = 8;
    private readonly nint _module;
    private readonly Dictionary<string, nint> _functions;

    private CudaKernels(ScalarType real, int multiprocessors, ReadOnlySpan<byte> program)
    {
        (Real, MaxBlocks) = (real, BlocksAMultiprocessor * multiprocessors);
        CudaDriver.UseThisContext();
        _module = CudaDriver.Load(program);
        _functions = KernelSource.Kernels.ToDictionary(
            k => k,
            k => CudaDriver.Function(_module, k),
            StringComparer.Ordinal
        );
    }

    public ScalarType Real { get; }

    public int MaxBlocks { get; }

    /// <summary>Compiles and loads them.</summary>
    /// <param name="real">bfloat16 or float32.</param>
    /// <param name="compiler">NVRTC.</param>
    /// <param name="cache">Where compiled programs are kept.</param>
    public static CudaKernels Load(ScalarType real, KernelCompiler compiler, KernelCache cache)
    {
        ArgumentNullException.ThrowIfNull(compiler);
        ArgumentNullException.ThrowIfNull(cache);
        using (zeros(1, device: CUDA))
        {
            // torch makes its context, which the driver's calls then use
        }

        (_, int major, int minor, int multiprocessors) = CudaDriver.Device();
        string[] options =
        [
            $"--gpu-architecture=sm_{major}{minor}",
            "--std=c++17",
            .. real == ScalarType.Float32 ? (string[])["-DPIPELINE_FLOAT"] : [],
        ];
        return new CudaKernels(
            real,
            multiprocessors,
            cache.Get(
                [KernelSource.Text, compiler.Version, .. options],
                () => compiler.Compile(KernelSource.Text, options)
            )
        );
    }

    public void Launch(string kernel, long blocks, int threads, ReadOnlySpan<KernelArgument> arguments)
    {
        fixed (KernelArgument* first = arguments)
        {
            void** places = stackalloc void*[arguments.Length];
            for (int i = 0; i < arguments.Length; i++)
            {
                places[i] = first + i;
            }

            CudaDriver.Launch(_functions[kernel], checked((uint)blocks), (uint)threads, places, kernel);
        }
    }

    public void Dispose() => CudaDriver.Unload(_module);
}
