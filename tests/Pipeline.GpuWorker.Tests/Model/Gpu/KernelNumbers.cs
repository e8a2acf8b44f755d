using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// The numbers that kernels are given in tests, and how near to its reference in float64 each kernel must come: in
/// float32 to rounding, in bfloat16 to the rounding of what is written.
/// </summary>
internal static class KernelNumbers
{
    public static TheoryData<ScalarType, int, int> Shapes =>
        new()
        {
            { ScalarType.Float32, 1, 8 },
            { ScalarType.Float32, 3, 264 },
            { ScalarType.Float32, 7, 2056 },
            { ScalarType.Float32, 5, 4096 },
            { ScalarType.BFloat16, 1, 8 },
            { ScalarType.BFloat16, 3, 264 },
            { ScalarType.BFloat16, 7, 2056 },
            { ScalarType.BFloat16, 5, 4096 },
        };

    /// <summary>Numbers as the kernel gets them, and the same in float64.</summary>
    public static (Tensor Given, Tensor Exact) Random(ScalarType real, double size, int seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        Tensor given = randn(shape, generator: generator).mul(size).to(real);
        return (given, given.to(ScalarType.Float64));
    }

    /// <summary>
    /// Largest difference over the largest number, and element by element that over its own size where that is larger.
    /// </summary>
    public static void AssertNear(Tensor expected, Tensor actual, ScalarType real, double more = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        Tensor read = actual.to(ScalarType.Float64);
        double tolerance = more * (real == ScalarType.Float32 ? 2e-6 : Math.Pow(2, -8));
        double mean = Math.Max(expected.abs().mean().item<double>(), 1e-30);
        double worst = read.sub(expected).abs().div(expected.abs().add(mean)).max().item<double>();
        Assert.True(worst <= tolerance, $"{worst:E2} of {tolerance:E2}");
    }
}
