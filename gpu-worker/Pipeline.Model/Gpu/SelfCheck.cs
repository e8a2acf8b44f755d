using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>What a worker looks at before it takes work, as one line.</summary>
/// <param name="Passed">Whether work can begin.</param>
/// <param name="Line">What is there, or what is wrong and what to do.</param>
public sealed record SelfCheck(bool Passed, string Line)
{
    private static readonly (int, int) Fewest = (7, 5); // what PyTorch's builds for CUDA 12.8 and 13 begin with
    private static readonly (int, int) Bfloat16 = (8, 0);
    private const string NoLibraries =
        "libtorch is not beside the program and cannot be loaded; publish the worker whole, or name the folder "
        + $"torch/lib of an installed PyTorch in {TorchLibraries.Setting}";

    /// <summary>Looks at a device.</summary>
    /// <param name="device"><c>cpu</c> or <c>cuda</c>.</param>
    public static SelfCheck Run(string device) => Guarded(device, device == "cuda" ? Cuda : Cpu);

    private static SelfCheck Cpu()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor product = ones(3, 5).mm(ones(5, 2));
        bool right = product.eq(5).all().item<bool>();
        double available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30);
        return new SelfCheck(
            right,
            right
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"cpu: libtorch {TorchLibraries.Version}, {get_num_threads()} threads, {available:0.0} GiB"
                )
                : "cpu: libtorch gets a product wrong; its files are of another machine"
        );
    }

    /// <summary>The GPU with its kernels, compiled and checked against their definitions.</summary>
    /// <param name="real">The numbers that the kernels compute on; <c>null</c>: bfloat16 where the GPU has it.</param>
    /// <exception cref="ModelException">There is no GPU that does the work; the line says why.</exception>
    internal static Accelerator Open(ScalarType? real)
    {
        Accelerator? opened = null;
        SelfCheck check = Guarded("cuda", () => Cuda(real, out opened));
        return opened ?? throw new ModelException(check.Line);
    }

    private static SelfCheck Cuda()
    {
        SelfCheck check = Cuda(null, out Accelerator? opened);
        opened?.Dispose();
        return check;
    }

    private static SelfCheck Guarded(string device, Func<SelfCheck> look)
    {
        try
        {
            return look();
        }
        catch (Exception fault)
            when (fault
                    is ModelException
                        or DllNotFoundException
                        or BadImageFormatException
                        or TypeInitializationException
                        or System.Runtime.InteropServices.ExternalException
                        or NotSupportedException
            )
        {
            string message = fault.GetBaseException().Message;
            bool missing = message.Contains("TorchSharp", StringComparison.Ordinal); // its own account takes a page
            return new SelfCheck(false, $"{device}: {(missing ? NoLibraries : message.ReplaceLineEndings(" "))}");
        }
    }

    private static SelfCheck Cuda(ScalarType? wanted, out Accelerator? opened)
    {
        opened = null;
        static SelfCheck Wrong(string what) => new(false, $"cuda: {what}");
        if (CudaDriver.Start() is { } fault)
        {
            return Wrong(fault);
        }

        if (CudaDriver.Count() == 0)
        {
            string? visible = Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES");
            return Wrong(
                "the driver shows no device" + (visible is null ? "" : $"; CUDA_VISIBLE_DEVICES is '{visible}'")
            );
        }

        (string name, int major, int minor, _) = CudaDriver.Device();
        if ((major, minor).CompareTo(Fewest) < 0)
        {
            return Wrong($"{name} has compute capability {major}.{minor}; 7.5 or above is needed");
        }

        int driver = CudaDriver.Version();
        string driversCuda = string.Create(CultureInfo.InvariantCulture, $"{driver / 1000}.{driver % 1000 / 10}");
        if (!TryInitializeDeviceType(DeviceType.CUDA))
        {
            return Wrong($"{name} is there, but {OtherLibtorch(driversCuda)}");
        }

        KernelCompiler compiler = KernelCompiler.Open(TorchLibraries.Folders());
        ScalarType real = wanted ?? ((major, minor).CompareTo(Bfloat16) < 0 ? ScalarType.Float32 : ScalarType.BFloat16);
        var kernels = new GpuKernels(CudaKernels.Load(real, compiler, KernelCache.Default()), CUDA);
        (string Kernel, double Error, double Allowed)[] wrong =
        [
            .. KernelCheck.Run(kernels, CUDA).Where(k => k.Error > k.Allowed),
        ];
        if (wrong.Length > 0)
        {
            kernels.Dispose();
            return Wrong(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} computes {string.Join(", ", wrong.Select(k => $"{k.Kernel} (off by {k.Error:E1})"))} "
                        + $"wrongly; update the driver, or report it with this line"
                )
            );
        }

        (long free, long total) = CudaDriver.Memory();
        const double Gibi = 1L << 30;
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"cuda: {name}, compute capability {major}.{minor}, driver's CUDA {driversCuda}, libtorch "
                + $"{TorchLibraries.Version}, NVRTC {compiler.Version}, {free / Gibi:0.0} of {total / Gibi:0.0} GiB "
                + $"free, kernels compiled and right in {real.ToString().ToLowerInvariant()}"
        );
        opened = new Accelerator(kernels, line, CudaDriver.Memory);
        return new SelfCheck(true, line);
    }

    private static string OtherLibtorch(string driversCuda) =>
        $"libtorch {TorchLibraries.Version} does not take it: a CPU build (publish the worker with "
        + "-p:TorchDevice=cuda, or with -p:TorchDevice=none and PyTorch's torch/lib named in "
        + $"{TorchLibraries.Setting}), or one for a later CUDA than the driver's {driversCuda} (update the driver)";
}
