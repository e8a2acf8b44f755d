using Pipeline.Model.Gpu;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>What a kernel may be given.</summary>
public sealed class KernelArgumentTests
{
    /// <summary>What a kernel would read wrongly is refused before it runs.</summary>
    [Fact]
    public void Arguments_OfTheWrongKind_AreRefused()
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        Tensor x = zeros(2, 16);

        Assert.Throws<ArgumentException>(() => kernels.SwiGlu(zeros(2, 30), zeros(2, 15)));
        Assert.Throws<ArgumentException>(() => kernels.SwiGlu(x.t(), zeros(16, 1)));
        Assert.Throws<ArgumentException>(() =>
            kernels.RmsNorm(x, zeros(16, dtype: ScalarType.Float64), 1e-5, zeros(2, 16), zeros(2))
        );
        Assert.Throws<ArgumentException>(() =>
            kernels.RmsNorm(zeros(36).narrow(0, 1, 32).view(2, 16), zeros(16), 1e-5, zeros(2, 16), zeros(2))
        );
        Assert.Throws<ArgumentException>(() =>
            kernels.CrossEntropy(x, 17, zeros(2, dtype: ScalarType.Int32), zeros(2), 1)
        );
        Assert.Throws<ArgumentException>(() => kernels.Dropout(x, zeros(2, 8), new DropMask(0.1, 1), onto: false));
    }
}
