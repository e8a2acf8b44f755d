using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Libtorch's files where a machine has PyTorch already: <c>TORCH_LIB</c> names its <c>torch/lib</c>, and none may be
/// shipped beside the program, for one process holds one libtorch.
/// </summary>
public static partial class TorchLibraries
{
    /// <summary>The setting.</summary>
    public const string Setting = "TORCH_LIB";

    private const string KernelRelease = "/proc/sys/kernel/osrelease";
    private const string Core = "libtorch_cpu.so";

    // Each needs those before it; the CUDA ones are missing from a CPU build.
    private static readonly string[] InOrder =
    [
        "libtorch_global_deps.so",
        "libc10.so",
        Core,
        "libc10_cuda.so",
        "libtorch_cuda.so",
        "libtorch.so",
    ];

    /// <summary>
    /// Folders in which CUDA's own libraries may lie beside libtorch: its own, and those of PyTorch's packages.
    /// </summary>
    public static IEnumerable<string> Folders()
    {
        yield return AppContext.BaseDirectory;
        if (Environment.GetEnvironmentVariable(Setting) is not { Length: > 0 } folder)
        {
            yield break;
        }

        yield return folder;
        string packages = Path.GetFullPath(Path.Combine(folder, "..", "..", "nvidia"));
        foreach (
            string library in (
                Directory.Exists(packages) ? Directory.GetDirectories(packages, "lib", SearchOption.AllDirectories) : []
            ).Order(StringComparer.Ordinal)
        )
        {
            yield return library;
        }
    }

    /// <summary>The version of the libtorch that runs: TorchSharp knows the one that it was built with.</summary>
    public static string Version
    {
        get
        {
            string source = Environment.GetEnvironmentVariable(Setting) is { Length: > 0 } folder
                ? Path.GetFullPath(Path.Combine(folder, "..", "version.py"))
                : "";
            Match match = File.Exists(source) ? VersionLine().Match(File.ReadAllText(source)) : Match.Empty;
            return match.Success ? match.Groups[1].Value : TorchSharp.torch.__version__;
        }
    }

    /// <summary>
    /// Loads the files of <c>TORCH_LIB</c>; to be called before anything of torch is used. Without the setting, what
    /// was shipped is used.
    /// </summary>
    /// <exception cref="ModelException">The folder holds no libtorch, another one lies beside the program, or a file
    /// cannot be loaded.</exception>
    public static void Load()
    {
        if (OperatingSystem.IsLinux())
        {
            // Segments that grow: the allocator hoards nothing between batches of other lengths. What is set already
            // stays. WSL has none.
            if (
                !File.Exists(KernelRelease)
                || !File.ReadAllText(KernelRelease).Contains("microsoft", StringComparison.OrdinalIgnoreCase)
            )
            {
                _ = Kernels.OpenMpWaiting.setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", 0);
            }

            // Attention by cuDNN plans anew for each batch's shape, and packed batches have a shape each: flash
            // attention goes first.
            _ = Kernels.OpenMpWaiting.setenv("TORCH_CUDNN_SDPA_DEPRIORITIZED", "1", 0);
        }

        if (Environment.GetEnvironmentVariable(Setting) is not { Length: > 0 } folder)
        {
            return;
        }

        string[] files = [.. InOrder.Select(f => Path.Combine(folder, f)).Where(File.Exists)];
        string named = Path.Combine(folder, Core),
            shipped = Path.Combine(AppContext.BaseDirectory, Core);
        if (!files.Contains(named))
        {
            throw new ModelException(
                $"{Setting} is '{folder}', which holds no {Core}; name the folder torch/lib of an installed PyTorch."
            );
        }

        // TorchSharp loads the one beside the program whatever is loaded already, and a second one ends the process.
        if (File.Exists(shipped) && Path.GetFullPath(named) != Path.GetFullPath(shipped))
        {
            throw new ModelException(
                $"{Setting} is '{folder}', and another libtorch lies beside the program in "
                    + $"'{AppContext.BaseDirectory}'; build the worker with -p:TorchDevice=none to run on that of "
                    + $"{Setting}, or leave {Setting} unset."
            );
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

    [GeneratedRegex(@"^__version__ *= *['""]([^'""]+)['""]", RegexOptions.Multiline)]
    private static partial Regex VersionLine();
}
