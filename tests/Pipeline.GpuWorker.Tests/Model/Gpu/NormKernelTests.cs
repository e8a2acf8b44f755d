using Pipeline.Model.Gpu;
using TorchSharp;
using static Pipeline.GpuWorker.Tests.Model.Gpu.KernelNumbers;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>The kernels of RMSNorm against their twins.</summary>
public sealed class NormKernelTests
{
    [Theory]
    [MemberData(nameof(Shapes), MemberType = typeof(KernelNumbers))]
    public void RmsNorm_AndItsBackward_MatchTheReference(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor x, Tensor exact) = Random(real, 3, 1, rows, width);
        (Tensor w, Tensor exactWeight) = Random(real, 1, 2, width);
        (Tensor gradient, Tensor exactGradient) = Random(real, 0.1, 3, rows, width);
        (Tensor residual, Tensor exactResidual) = Random(real, 0.1, 4, rows, width);
        (Tensor output, Tensor scales, Tensor back) = (zeros_like(x), zeros(rows), zeros_like(x));

        kernels.RmsNorm(x, w, 1e-5, output, scales);
        kernels.RmsNormBackward(new SavedNorm(x, w, scales), gradient, null, back);

        (Tensor expected, Tensor expectedScales) = KernelReference.RmsNorm(exact, exactWeight, 1e-5);
        Tensor expectedBack = KernelReference.RmsNormBackward(exact, exactWeight, 1e-5, exactGradient);
        AssertNear(expected, output, real);
        AssertNear(expectedScales, scales, ScalarType.Float32);
        AssertNear(expectedBack, back, real, more: 4);
        kernels.RmsNormBackward(new SavedNorm(x, w, scales), gradient, residual, residual); // in place
        AssertNear(expectedBack.add(exactResidual), residual, real, more: 4);
    }

    /// <summary>The sum is rounded as it is kept, and what is normed is the rounded one.</summary>
    [Theory]
    [MemberData(nameof(Shapes), MemberType = typeof(KernelNumbers))]
    public void RmsNorm_OfASum_KeepsTheSum(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor x, _) = Random(real, 3, 1, rows, width);
        (Tensor added, _) = Random(real, 2, 2, rows, width);
        (Tensor w, Tensor exactWeight) = Random(real, 1, 3, width);
        (Tensor output, Tensor scales) = (zeros_like(x), zeros(rows));
        Tensor sum = x.to(ScalarType.Float32).add(added.to(ScalarType.Float32)).to(real);

        kernels.RmsNorm(x, w, 1e-6, output, scales, new NormFusion(Added: added, Sum: added));

        Assert.True(sum.equal(added).all().item<bool>());
        AssertNear(KernelReference.RmsNorm(sum.to(ScalarType.Float64), exactWeight, 1e-6).Output, output, real);
    }

    /// <summary>
    /// What is dropped on the way is what dropping afterwards drops, to the bit; and its derivative comes back through
    /// the same mask.
    /// </summary>
    [Theory]
    [MemberData(nameof(Shapes), MemberType = typeof(KernelNumbers))]
    public void RmsNorm_WithSomeDropped_IsTheNormAndThenDropout(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        var mask = new DropMask(0.3, 0xC0FFEE);
        (Tensor x, Tensor exact) = Random(real, 3, 1, rows, width);
        (Tensor w, Tensor exactWeight) = Random(real, 1, 2, width);
        (Tensor gradient, Tensor exactGradient) = Random(real, 0.1, 3, rows, width);
        (Tensor dxLora, Tensor exactDxLora) = Random(real, 0.1, 4, rows, width);
        (Tensor normed, Tensor dropped, Tensor alone, Tensor expected) = (
            zeros_like(x),
            zeros_like(x),
            zeros_like(x),
            zeros_like(x)
        );
        (Tensor scales, Tensor back) = (zeros(rows), zeros_like(x));

        kernels.RmsNorm(x, w, 1e-5, normed, scales, new NormFusion(Dropped: dropped, Mask: mask));
        kernels.RmsNorm(x, w, 1e-5, null, scales, new NormFusion(Dropped: alone, Mask: mask));
        kernels.RmsNormBackward(new SavedNorm(x, w, scales), gradient, null, back, dxLora, mask);

        AssertNear(KernelReference.RmsNorm(exact, exactWeight, 1e-5).Output, normed, real);
        kernels.Dropout(normed, expected, mask, onto: false);
        Assert.True(expected.equal(dropped).all().item<bool>() && expected.equal(alone).all().item<bool>());
        Tensor whole = exactGradient.add(KernelReference.Dropout(exactDxLora, mask.Probability, mask.Seed));
        AssertNear(KernelReference.RmsNormBackward(exact, exactWeight, 1e-5, whole), back, real, more: 4);
    }
}
