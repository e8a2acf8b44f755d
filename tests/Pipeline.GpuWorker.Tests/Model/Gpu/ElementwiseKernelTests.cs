using Pipeline.Model.Gpu;
using Pipeline.Model.Lora;
using TorchSharp;
using static Pipeline.GpuWorker.Tests.Model.Gpu.KernelNumbers;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>The kernels of positions, gates and dropout against their twins.</summary>
public sealed class ElementwiseKernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 16, 3, 5)]
    [InlineData(ScalarType.Float32, 128, 4, 9)]
    [InlineData(ScalarType.BFloat16, 64, 5, 7)]
    public void Rotate_SomeHeadsOfARow_TurnsThemAndBack(ScalarType real, int headSize, int heads, int rows)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor x, Tensor exact) = Random(real, 1, 1, rows, (heads + 2) * headSize);
        Tensor before = x.clone();
        int[] places = [.. Enumerable.Range(0, rows).Select(i => i * 7 % 11)];
        Tensor angles = arange(11, dtype: ScalarType.Float64)
            .unsqueeze(1)
            .mul(pow(tensor(10_000.0), arange(0, headSize, 2, dtype: ScalarType.Float64).div(-headSize)));
        (Tensor cosines, Tensor sines, Tensor positions) = (
            angles.cos().to(ScalarType.Float32),
            angles.sin().to(ScalarType.Float32),
            tensor(places)
        );

        kernels.Rotate(x, heads, headSize, new RotaryAngles(positions, cosines, sines), backward: false);

        Tensor turned = KernelReference
            .Rotate(
                exact.narrow(1, 0, heads * headSize).view(rows, heads, headSize),
                positions.to(ScalarType.Int64),
                angles.cos(),
                angles.sin()
            )
            .view(rows, heads * headSize);
        AssertNear(turned, x.narrow(1, 0, heads * headSize), real);
        Assert.True(
            before
                .narrow(1, heads * headSize, 2 * headSize)
                .equal(x.narrow(1, heads * headSize, 2 * headSize))
                .all()
                .item<bool>()
        );
        kernels.Rotate(x, heads, headSize, new RotaryAngles(positions, cosines, sines), backward: true);
        AssertNear(exact, x, real, more: 2);
    }

    [Theory]
    [MemberData(nameof(Shapes), MemberType = typeof(KernelNumbers))]
    public void SwiGlu_AndItsBackward_MatchTheReference(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor gateUp, Tensor exact) = Random(real, 2, 1, rows, 2 * width);
        (Tensor gradient, Tensor exactGradient) = Random(real, 0.1, 2, rows, width);
        Tensor output = zeros(rows, width, dtype: real);

        kernels.SwiGlu(gateUp, output);
        kernels.SwiGluBackward(gateUp, gradient);

        AssertNear(KernelReference.SwiGlu(exact), output, real);
        AssertNear(KernelReference.SwiGluBackward(exact, exactGradient), gateUp, real);
        Assert.True(output.equal(gradient).all().item<bool>());
    }

    [Theory]
    [MemberData(nameof(Shapes), MemberType = typeof(KernelNumbers))]
    public void SwiGlu_WithSomeDropped_IsTheGatesAndThenDropout(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        var mask = new DropMask(0.3, 0xC0FFEE);
        (Tensor gateUp, Tensor exact) = Random(real, 2, 1, rows, 2 * width);
        (Tensor gradient, Tensor exactGradient) = Random(real, 0.1, 2, rows, width);
        (Tensor across, Tensor exactAcross) = Random(real, 0.1, 3, rows, width);
        (Tensor gated, Tensor dropped, Tensor alone, Tensor expected) = (
            zeros_like(gradient),
            zeros_like(gradient),
            zeros_like(gradient),
            zeros_like(gradient)
        );

        kernels.SwiGlu(gateUp, gated, dropped, mask);
        kernels.SwiGlu(gateUp, null, alone, mask);
        kernels.SwiGluBackward(gateUp, gradient, across, mask);

        AssertNear(KernelReference.SwiGlu(exact), gated, real);
        kernels.Dropout(gated, expected, mask, onto: false);
        foreach (Tensor other in (Tensor[])[dropped, alone, gradient])
        {
            Assert.True(expected.equal(other).all().item<bool>());
        }

        Tensor whole = exactGradient.add(KernelReference.Dropout(exactAcross, mask.Probability, mask.Seed));
        AssertNear(KernelReference.SwiGluBackward(exact, whole), gateUp, real);
    }

    [Theory]
    [MemberData(nameof(Shapes), MemberType = typeof(KernelNumbers))]
    public void Dropout_DropsWhatTheCpuDrops(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor x, Tensor exact) = Random(real, 1, 1, rows, width);
        (Tensor sum, Tensor exactSum) = Random(real, 1, 2, rows, width);
        Tensor output = zeros_like(x);

        kernels.Dropout(x, output, new DropMask(0.1, 0xDEADBEEF), onto: false);
        kernels.Dropout(x, sum, new DropMask(0.1, 0xDEADBEEF), onto: true);

        Tensor expected = KernelReference.Dropout(exact, 0.1, 0xDEADBEEF);
        AssertNear(expected, output, real);
        AssertNear(exactSum.add(expected), sum, real);
        Assert.True(expected.eq(0).equal(output.eq(0)).all().item<bool>());
    }

    [Theory]
    [InlineData(0.1, 1u)]
    [InlineData(0.5, 0xDEADBEEFu)]
    [InlineData(0.0, 7u)]
    public void MaskByTorch_OfASeed_IsTheCpus(double probability, uint seed)
    {
        using DisposeScope scope = NewDisposeScope();

        Assert.Equal(
            CounterDropout.Mask([37, 101], probability, seed).data<float>().ToArray(),
            CounterDropout.MaskByTorch([37, 101], probability, seed, CPU).data<float>().ToArray()
        );
    }
}
