using System.Diagnostics;
using System.Text.RegularExpressions;
using Pipeline.GpuWorker.Tests.Training;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// What a device would not say: the tests of kernels and of what calls them, run once more in a process in which no
/// buffer may be left by a byte and none begins with numbers.
/// </summary>
public sealed partial class GuardedMemoryTests
{
    private const int MinBuffers = 1000;

    [Theory]
    [InlineData(
        typeof(WeightKernelTests),
        typeof(NormKernelTests),
        typeof(ElementwiseKernelTests),
        typeof(TrainingKernelTests),
        typeof(KernelArgumentTests)
    )]
    [InlineData(typeof(GpuGradientTests))]
    [InlineData(typeof(GpuCausalModelTests))]
    [InlineData(typeof(AcceleratedTrainingTests))]
    [Trait("Tier", "Slow")]
    public async Task Kernels_BehindGuardPages_TouchNothingElse(params Type[] tests)
    {
        string library = HostCompiler.Compile(
            RepositoryFiles.At("tests", "Pipeline.GpuWorker.Tests", "Model", "Gpu", "guarded_memory.cpp"),
            "-ldl"
        );
        try
        {
            var start = new ProcessStartInfo(
                "dotnet",
                [
                    typeof(GuardedMemoryTests).Assembly.Location,
                    .. tests.SelectMany(t => new[] { "-class", t.FullName! }),
                    "-trait-",
                    "Tier=Slow",
                ]
            )
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.Environment["LD_PRELOAD"] = library;
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            string fault = await errors;
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);

            Assert.True(
                process.ExitCode == 0,
                $"exit {process.ExitCode}; 139 is a byte outside of a buffer\n{output}\n{fault}"
            );
            Assert.True(
                Guarded().Match(fault) is { Success: true } counted
                    && int.Parse(counted.Groups[1].Value, null) > MinBuffers,
                $"no buffer was guarded\n{fault}"
            );
        }
        finally
        {
            File.Delete(library);
        }
    }

    [GeneratedRegex(@"guarded buffers: (\d+)\s*\z")]
    private static partial Regex Guarded();
}
