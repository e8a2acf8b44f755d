using System.Runtime.InteropServices;

namespace Pipeline.Model.Gpu;

/// <summary>Libtorch's files where a machine has PyTorch already: <c>TORCH_LIB</c> names its <c>torch/lib</c>, and none need to be shipped.</summary>
public static class TorchLibraries
{
    /// <summary>The setting.</summary>
    public const string Setting = "TORCH_LIB";

    // Each needs those before it; the CUDA ones are missing from a CPU build.
    private static readonly string[] InOrder = ["libtorch_global_deps.so", "libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so"];

    /// <summary>Folders in which CUDA's own libraries may lie beside libtorch: its own, and those of PyTorch's packages.</summary>
    public static IEnumerable<string> Folders()
    {
        yield return AppContext.BaseDirectory;
        if (Environment.GetEnvironmentVariable(Setting) is not { Length: > 0 } folder)
        {
            yield break;
        }

        yield return folder;
        string packages = Path.GetFullPath(Path.Combine(folder, "..", "..", "nvidia"));
        foreach (string library in (Directory.Exists(packages) ? Directory.GetDirectories(packages, "lib", SearchOption.AllDirectories) : []).Order(StringComparer.Ordinal))
        {
            yield return library;
        }
    }

    /// <summary>Loads the files of <c>TORCH_LIB</c>; to be called before anything of torch is used. Without the setting, what was shipped is used.</summary>
    /// <exception cref="ModelException">The folder holds no libtorch, or a file of it cannot be loaded.</exception>
    public static void Load()
    {
        if (OperatingSystem.IsLinux())
        {
            // Segments that grow: the allocator hoards nothing between batches of other lengths. What is set already stays.
            _ = Kernels.OpenMpWaiting.setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", 0);
            // Attention by cuDNN plans anew for each batch's shape, and packed batches have a shape each: flash attention goes first.
            _ = Kernels.OpenMpWaiting.setenv("TORCH_CUDNN_SDPA_DEPRIORITIZED", "1", 0);
        }

        if (Environment.GetEnvironmentVariable(Setting) is not { Length: > 0 } folder)
        {
            return;
        }

        string[] files = [.. InOrder.Select(f => Path.Combine(folder, f)).Where(File.Exists)];
        if (!files.Any(f => Path.GetFileName(f) == "libtorch_cpu.so"))
        {
            throw new ModelException($"{Setting} is '{folder}', which holds no libtorch_cpu.so; name the folder torch/lib of an installed PyTorch.");
        }

        foreach (string file in files)
        {
            try
            {
                NativeLibrary.Load(file);
            }
            catch (DllNotFoundException fault)
            {
                throw new ModelException($"{Setting}: '{file}' cannot be loaded: {fault.Message}", fault);
            }
        }
    }
}
