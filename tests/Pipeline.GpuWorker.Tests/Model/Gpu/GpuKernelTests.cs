using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Kernels;
using Pipeline.Model.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// Each kernel against its twin in float64: in float32 to rounding, in bfloat16 to the rounding of what is written.
/// </summary>
public sealed class GpuKernelTests
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
    private static (Tensor Given, Tensor Exact) Random(ScalarType real, double size, int seed, params long[] shape)
    {
        using var generator = new Generator((ulong)seed);
        Tensor given = randn(shape, generator: generator).mul(size).to(real);
        return (given, given.to(ScalarType.Float64));
    }

    /// <summary>
    /// Largest difference over the largest number, and element by element that over its own size where that is larger.
    /// </summary>
    private static void AssertNear(Tensor expected, Tensor actual, ScalarType real, double more = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal(expected.shape, actual.shape);
        Tensor read = actual.to(ScalarType.Float64);
        double tolerance = more * (real == ScalarType.Float32 ? 2e-6 : Math.Pow(2, -8));
        double mean = Math.Max(expected.abs().mean().item<double>(), 1e-30);
        double worst = read.sub(expected).abs().div(expected.abs().add(mean)).max().item<double>();
        Assert.True(worst <= tolerance, $"{worst:E2} of {tolerance:E2}");
    }

    [Theory]
    [InlineData(ScalarType.Float32, 8)]
    [InlineData(ScalarType.Float32, 72)]
    [InlineData(ScalarType.Float32, 64 * 256 * 3 + 40)]
    [InlineData(ScalarType.BFloat16, 64 * 256 + 64)]
    public void Dequantize_EveryNumber_IsTheCpusToTheBit(ScalarType real, int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        using Nf4Weight weight = Nf4Weight.Quantize(Random(ScalarType.Float32, 0.02, 1, count).Given);
        Tensor output = zeros(count, dtype: real);

        kernels.Dequantize(weight, output);

        Assert.Equal(
            weight.Dequantize().to(real).to(ScalarType.Float32).data<float>().ToArray(),
            output.to(ScalarType.Float32).data<float>().ToArray()
        );
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void RmsNorm_AndItsDerivative_AreTheTwins(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor x, Tensor exact) = Random(real, 3, 1, rows, width);
        (Tensor w, Tensor exactWeight) = Random(real, 1, 2, width);
        (Tensor gradient, Tensor exactGradient) = Random(real, 0.1, 3, rows, width);
        (Tensor residual, Tensor exactResidual) = Random(real, 0.1, 4, rows, width);
        (Tensor output, Tensor scales, Tensor back) = (zeros_like(x), zeros(rows), zeros_like(x));

        kernels.RmsNorm(x, w, 1e-5, output, scales);
        kernels.RmsNormBackward(x, w, scales, gradient, null, back);

        (Tensor expected, Tensor expectedScales) = KernelReference.RmsNorm(exact, exactWeight, 1e-5);
        Tensor expectedBack = KernelReference.RmsNormBackward(exact, exactWeight, 1e-5, exactGradient);
        AssertNear(expected, output, real);
        AssertNear(expectedScales, scales, ScalarType.Float32);
        AssertNear(expectedBack, back, real, more: 4);
        kernels.RmsNormBackward(x, w, scales, gradient, residual, residual); // in place
        AssertNear(expectedBack.add(exactResidual), residual, real, more: 4);
    }

    /// <summary>The sum is rounded as it is kept, and what is normed is the rounded one.</summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void RmsNorm_OfASum_KeepsTheSum(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor x, _) = Random(real, 3, 1, rows, width);
        (Tensor added, _) = Random(real, 2, 2, rows, width);
        (Tensor w, Tensor exactWeight) = Random(real, 1, 3, width);
        (Tensor output, Tensor scales) = (zeros_like(x), zeros(rows));
        Tensor sum = x.to(ScalarType.Float32).add(added.to(ScalarType.Float32)).to(real);

        kernels.RmsNorm(x, w, 1e-6, output, scales, added, added);

        Assert.True(sum.equal(added).all().item<bool>());
        AssertNear(KernelReference.RmsNorm(sum.to(ScalarType.Float64), exactWeight, 1e-6).Output, output, real);
    }

    /// <summary>
    /// What is dropped on the way is what dropping afterwards drops, to the bit; and its derivative comes back through
    /// the same mask.
    /// </summary>
    [Theory]
    [MemberData(nameof(Shapes))]
    public void RmsNorm_WithSomeDropped_IsTheNormAndThenDropout(ScalarType real, int rows, int width)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        var mask = new DropMask(0.3, 0xC0FFEE);
        (Tensor x, Tensor exact) = Random(real, 3, 1, rows, width);
        (Tensor w, Tensor exactWeight) = Random(real, 1, 2, width);
        (Tensor gradient, Tensor exactGradient) = Random(real, 0.1, 3, rows, width);
        (Tensor across, Tensor exactAcross) = Random(real, 0.1, 4, rows, width);
        (Tensor normed, Tensor dropped, Tensor alone, Tensor expected) = (
            zeros_like(x),
            zeros_like(x),
            zeros_like(x),
            zeros_like(x)
        );
        (Tensor scales, Tensor back) = (zeros(rows), zeros_like(x));

        kernels.RmsNorm(x, w, 1e-5, normed, scales, dropped: dropped, mask: mask);
        kernels.RmsNorm(x, w, 1e-5, null, scales, dropped: alone, mask: mask);
        kernels.RmsNormBackward(x, w, scales, gradient, null, back, across, mask);

        AssertNear(KernelReference.RmsNorm(exact, exactWeight, 1e-5).Output, normed, real);
        kernels.Dropout(normed, expected, mask, onto: false);
        Assert.True(expected.equal(dropped).all().item<bool>() && expected.equal(alone).all().item<bool>());
        Tensor whole = exactGradient.add(KernelReference.Dropout(exactAcross, mask.Probability, mask.Seed));
        AssertNear(KernelReference.RmsNormBackward(exact, exactWeight, 1e-5, whole), back, real, more: 4);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
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

        kernels.Rotate(x, heads, headSize, positions, cosines, sines, backward: false);

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
        kernels.Rotate(x, heads, headSize, positions, cosines, sines, backward: true);
        AssertNear(exact, x, real, more: 2);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void SwiGlu_AndItsDerivative_AreTheTwins(ScalarType real, int rows, int width)
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
    [MemberData(nameof(Shapes))]
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
    [InlineData(ScalarType.Float32, 4, 8, 8)]
    [InlineData(ScalarType.Float32, 3, 13, 16)]
    [InlineData(ScalarType.Float32, 5, 4099, 4104)]
    [InlineData(ScalarType.BFloat16, 3, 13, 24)]
    [InlineData(ScalarType.BFloat16, 5, 32_001, 32_008)]
    public void CrossEntropy_AndItsDerivative_AreTheTwins(ScalarType real, int rows, int vocabulary, int stride)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor logits, Tensor exact) = Random(real, 6, 1, rows, stride);
        Tensor beyond = logits.narrow(1, vocabulary, stride - vocabulary).clone();
        Tensor targets = tensor([
            .. Enumerable.Range(0, rows).Select(i => (long)(i == 0 ? vocabulary - 1 : i * 7919 % vocabulary)),
        ]);
        Tensor losses = zeros(rows);

        kernels.CrossEntropy(logits, vocabulary, targets.to(ScalarType.Int32), losses, 0.25);

        (Tensor expected, Tensor derivative) = KernelReference.CrossEntropy(
            exact.narrow(1, 0, vocabulary),
            targets,
            0.25
        );
        AssertNear(expected, losses, ScalarType.Float32, more: 4);
        // single numbers are far below the mean
        AssertNear(derivative, logits.narrow(1, 0, vocabulary), real, more: 10);
        Assert.True(beyond.equal(logits.narrow(1, vocabulary, stride - vocabulary)).all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Float32, 2051, false)]
    [InlineData(ScalarType.BFloat16, 777, false)]
    [InlineData(ScalarType.BFloat16, 777, true)]
    public void AdamW_ThreeSteps_AreTheTwins(ScalarType real, int count, bool totals)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor values, Tensor exact) = Random(ScalarType.Float32, 0.1, 1, count);
        (Tensor first, Tensor second, Tensor copies) = (zeros(count), zeros(count), zeros(count, dtype: real));
        (Tensor exactFirst, Tensor exactSecond) = (
            zeros(count, dtype: ScalarType.Float64),
            zeros(count, dtype: ScalarType.Float64)
        );
        for (int step = 1; step <= 3; step++)
        {
            (Tensor gradients, Tensor exactGradients) = Random(
                totals ? ScalarType.Float32 : real,
                0.5,
                10 + step,
                count
            );

            kernels.AdamW(
                values,
                first,
                second,
                totals ? ones(count, dtype: real) : gradients,
                totals ? gradients : null,
                copies,
                count / 2,
                step,
                1e-3,
                0.1,
                tensor([0.5f])
            );

            KernelReference.AdamW(exact, exactFirst, exactSecond, exactGradients, count / 2, step, 1e-3, 0.1, 0.5);
            Assert.Equal(0, gradients.count_nonzero().item<long>());
        }

        AssertNear(exact, values, ScalarType.Float32, more: 4);
        AssertNear(exactFirst, first, ScalarType.Float32, more: 4);
        AssertNear(exactSecond, second, ScalarType.Float32, more: 4);
        Assert.True(values.to(real).equal(copies).all().item<bool>());
    }

    /// <summary>
    /// A step whose norm or loss was not a number teaches nothing: values and moments stay, the gradients are cleared.
    /// </summary>
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(0f)]
    [InlineData(float.NegativeInfinity)]
    public void AdamW_AFactorThatIsNone_ChangesNothing(float clip)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        using var moments = new BlockwiseMoments([(300, true), (20, false)]);
        (Tensor values, Tensor first, Tensor second) = (ones(320), zeros(320), zeros(320));
        Tensor gradients = full(320, float.NaN),
            places = tensor(moments.Places);

        kernels.AdamW(values, first, second, gradients, null, zeros(320), 320, 1, 1, 0.5, tensor([clip]));
        Assert.Equal(
            (320f, 0, 0, 0),
            (
                values.sum().item<float>(),
                first.count_nonzero().item<long>(),
                second.count_nonzero().item<long>(),
                gradients.count_nonzero().item<long>()
            )
        );

        gradients.fill_(float.PositiveInfinity);
        kernels.AdamW8Bit(values, gradients, null, null, moments, places, 320, 1, 1, 0.5, tensor([clip]));
        Assert.Equal((320f, 0), (values.sum().item<float>(), gradients.count_nonzero().item<long>()));
        Assert.All(moments.State, s => Assert.Equal(0, s.Value.count_nonzero().item<long>()));
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1, 40, 64)]
    [InlineData(ScalarType.Float32, 8, 7, 264)]
    [InlineData(ScalarType.Float32, 19, 33, 520)]
    [InlineData(ScalarType.BFloat16, 3, 40, 4096)]
    public void Multiply_RowsByCodes_IsTheProductWithTheirValues(ScalarType real, int rows, int outputs, int inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        using Nf4Weight weight = Nf4Weight.Quantize(Random(ScalarType.Float32, 0.02, 1, outputs, inputs).Given);
        (Tensor x, Tensor exact) = Random(real, 1, 2, rows, inputs);
        Tensor wide = full([rows, outputs + 5], 7, dtype: real);

        kernels.Multiply(weight, x, wide.narrow(1, 3, outputs));

        AssertNear(
            exact.mm(weight.Dequantize().to(ScalarType.Float64).t()),
            wide.narrow(1, 3, outputs).contiguous(),
            real,
            more: 4
        );
        Assert.True(cat([wide.narrow(1, 0, 3), wide.narrow(1, outputs + 3, 2)], 1).eq(7).all().item<bool>());
    }

    /// <summary>Between parts of wider matrices, with rows that nothing comes to.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Gather_PartsOfRows_AreWhereTheyAreWanted(ScalarType real)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        Tensor input = Random(real, 1, 1, 6, 40).Given,
            output = full([4, 32], 7, dtype: real);

        kernels.Gather(input.narrow(1, 16, 24), tensor([5, -1, 0, 5]), output.narrow(1, 8, 24));

        Tensor part = input.narrow(1, 16, 24);
        Assert.True(
            output.narrow(1, 8, 24).equal(stack([part[5], zeros_like(part[0]), part[0], part[5]])).all().item<bool>()
        );
        Assert.True(output.narrow(1, 0, 8).eq(7).all().item<bool>());
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

    /// <summary>Codes that a device makes are the CPU's, odd counts, blocks of zeros and dtypes included.</summary>
    [Theory]
    [InlineData(64 * 300, ScalarType.Float32)]
    [InlineData((64 * 300) + 33, ScalarType.BFloat16)]
    [InlineData(7, ScalarType.Float16)]
    public void QuantizeByTorch_EveryCode_IsTheCpus(int count, ScalarType type)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = Random(ScalarType.Float32, 0.02, 1, count).Given;
        weight.narrow(0, 0, Math.Min(count, 64)).zero_();
        weight = weight.to(type);

        using Nf4Weight expected = Nf4Weight.Quantize(weight),
            actual = Nf4Weight.QuantizeByTorch(weight);

        Assert.Equal(expected.Codes.data<byte>().ToArray(), actual.Codes.data<byte>().ToArray());
        Assert.Equal(expected.Absmax.data<byte>().ToArray(), actual.Absmax.data<byte>().ToArray());
        Assert.Equal(
            (expected.Offset, expected.AbsmaxScale.data<float>().ToArray()[0]),
            (actual.Offset, actual.AbsmaxScale.data<float>().ToArray()[0])
        );
    }

    /// <summary>What is said without the kernel, where a device has no CPU's loops, is the same to the bit.</summary>
    [Theory]
    [InlineData(64)]
    [InlineData((64 * 256 * 2) + 40)]
    public void DequantizeByTorch_EveryNumber_IsTheCpus(int count)
    {
        using DisposeScope scope = NewDisposeScope();
        using Nf4Weight weight = Nf4Weight.Quantize(Random(ScalarType.Float32, 0.02, 1, count).Given);

        Assert.Equal(weight.Dequantize().data<float>().ToArray(), weight.DequantizeByTorch().data<float>().ToArray());
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1, 1)]
    [InlineData(ScalarType.Float32, 5003, 3)]
    [InlineData(ScalarType.BFloat16, 1021, 2)]
    public void SumOfSquares_OverAFewBlocks_IsThatOfAll(ScalarType real, int count, int blocks)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        (Tensor x, Tensor exact) = Random(real, 1, 1, count);
        Tensor sums = zeros(blocks);

        kernels.SumOfSquares(x, sums);

        AssertNear(exact.square().sum(), sums.sum(), ScalarType.Float32, more: 4);
    }

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
