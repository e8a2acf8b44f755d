using Pipeline.GpuWorker.Tests.Worker.Commands;
using Pipeline.Model.Gpu;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

public sealed class SelfCheckTests
{
    private static (int Code, string Output, string Errors) Worker(
        string directory,
        string? torchLib,
        params string[] arguments
    )
    {
        (int code, string output, string errors) = WorkerProgram.Run(
            arguments,
            directory,
            environment: new Dictionary<string, string?>
            {
                [TorchLibraries.Setting] = torchLib,
                // TorchSharp would look for libtorch among the packages, and copy it
                ["NUGET_PACKAGES"] = directory,
            }
        );
        return (code, output.Trim(), errors.Trim());
    }

    [Fact]
    public void Cpu_OfThisMachine_PassesInOneLine()
    {
        SelfCheck check = SelfCheck.Run("cpu");

        Assert.True(check.Passed, check.Line);
        Assert.Matches(@"^cpu: libtorch [\d.]+, \d+ threads, [\d.]+ GiB$", check.Line);
    }

    [Fact]
    public void Cuda_WithoutADriver_SaysInOneLineWhatToDo()
    {
        Assert.SkipWhen(
            File.Exists("/dev/nvidiactl"),
            "checks the message on a machine without a GPU, and this one has a GPU; run it on a CPU-only machine"
        );

        SelfCheck check = SelfCheck.Run("cuda");

        Assert.False(check.Passed);
        Assert.StartsWith("cuda: there is no libcuda.so.1", check.Line, StringComparison.Ordinal);
        Assert.Contains("--gpus", check.Line, StringComparison.Ordinal);
        (int code, string output, string errors) = Worker(
            AppContext.BaseDirectory,
            null,
            "selfcheck",
            "--device",
            "cuda"
        );
        Assert.Equal((2, "", check.Line), (code, output, errors));
    }

    /// <summary>
    /// A worker that was shipped without libtorch runs on the files of a PyTorch, and says so in one line where there
    /// is none.
    /// </summary>
    [Fact]
    public void TorchLib_NamesLibtorchForAWorkerWithoutIt()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "TORCH_LIB loads Linux libraries; run the tests on Linux, or in the worker's container"
        );
        string bare = Directory.CreateTempSubdirectory("pipeline-bare-worker-").FullName;
        try
        {
            foreach (
                string file in Directory
                    .EnumerateFiles(AppContext.BaseDirectory)
                    .Where(f =>
                        Path.GetFileName(f) is var name
                        && !name.StartsWith("libtorch", StringComparison.Ordinal)
                        && !name.StartsWith("libc10", StringComparison.Ordinal)
                        && !name.StartsWith("libgomp", StringComparison.Ordinal)
                    )
            )
            {
                File.Copy(file, Path.Combine(bare, Path.GetFileName(file)));
            }

            (int code, string output, _) = Worker(bare, AppContext.BaseDirectory, "selfcheck");
            Assert.Equal(0, code);
            Assert.StartsWith("cpu: libtorch", output, StringComparison.Ordinal);
            // TorchSharp tells its own story on the standard output
            (code, _, string errors) = Worker(bare, null, "selfcheck");
            Assert.Equal(2, code);
            Assert.StartsWith("cpu: libtorch is not beside the program", errors, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', errors);
            (code, _, errors) = Worker(bare, bare, "selfcheck");
            Assert.Equal(2, code);
            Assert.Contains("holds no libtorch_cpu.so", errors, StringComparison.Ordinal);
            Directory.CreateDirectory(Path.Combine(bare, "torch"));
            File.WriteAllText(
                Path.Combine(bare, "torch", "version.py"),
                "from typing import Optional\n__version__ = '2.99.0+cu999'\n"
            );
            File.CreateSymbolicLink(Path.Combine(bare, "torch", "lib"), AppContext.BaseDirectory);
            (_, output, _) = Worker(bare, Path.Combine(bare, "torch", "lib"), "selfcheck");
            Assert.StartsWith("cpu: libtorch 2.99.0+cu999, ", output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(bare, recursive: true);
        }
    }

    /// <summary>Two of them in one process would end it without a word of ours.</summary>
    [Fact]
    public void TorchLib_BesideAnotherLibtorch_SaysWhatToDo()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux(),
            "TORCH_LIB loads Linux libraries; run the tests on Linux, or in the worker's container"
        );
        string other = Directory.CreateTempSubdirectory("pipeline-other-torch-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(other, "libtorch_cpu.so"), "");
            (int code, _, string errors) = Worker(AppContext.BaseDirectory, other, "selfcheck");
            Assert.Equal(2, code);
            Assert.Contains("another libtorch lies beside the program", errors, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', errors);
            // the same one
            (code, string output, _) = Worker(AppContext.BaseDirectory, AppContext.BaseDirectory, "selfcheck");
            Assert.Equal(0, code);
            Assert.StartsWith("cpu: libtorch", output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(other, recursive: true);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void KernelCheck_SoundKernels_AreWithinRounding(ScalarType real)
    {
        using var kernels = HostKernels.Load(real);

        Assert.All(
            KernelCheck.Run(kernels, CPU),
            k => Assert.True(k.Error <= k.Allowed, $"{k.Kernel}: {k.Error:E2} of {k.Allowed:E2}")
        );
    }

    /// <summary>A kernel that does nothing is found, whichever it is.</summary>
    [Theory]
    [InlineData("nf4_dequantize", "nf4_dequantize")]
    [InlineData("rms_norm_forward", "rms_norm")]
    [InlineData("rms_norm_backward", "rms_norm")]
    [InlineData("rotary", "rotary")]
    [InlineData("swiglu_forward", "swiglu")]
    [InlineData("swiglu_backward", "swiglu")]
    [InlineData("dropout", "dropout")]
    [InlineData("cross_entropy", "cross_entropy")]
    [InlineData("adamw", "adamw")]
    [InlineData("adamw_8bit", "adamw_8bit")]
    [InlineData("gather_rows", "gather_rows")]
    [InlineData("nf4_matvec", "nf4_matvec")]
    [InlineData("sum_of_squares", "sum_of_squares")]
    public void KernelCheck_KernelThatDoesNothing_IsFound(string broken, string named)
    {
        using var kernels = new GpuKernels(new LameLauncher(HostKernels.Launcher(ScalarType.Float32), broken), CPU);

        Assert.Contains(KernelCheck.Run(kernels, CPU), k => k.Kernel == named && k.Error > k.Allowed);
    }

    private sealed class LameLauncher(IKernelLauncher launcher, string lame) : IKernelLauncher
    {
        public ScalarType Real => launcher.Real;

        public int MaxBlocks => launcher.MaxBlocks;

        public void Launch(string kernel, long blocks, int threads, ReadOnlySpan<KernelArgument> arguments)
        {
            if (kernel != lame)
            {
                launcher.Launch(kernel, blocks, threads, arguments);
            }
        }

        public void Dispose() => launcher.Dispose();
    }
}
