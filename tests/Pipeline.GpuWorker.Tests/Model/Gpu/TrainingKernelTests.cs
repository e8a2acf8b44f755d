using Pipeline.Model.Gpu;
using Pipeline.Model.Optimization;
using TorchSharp;
using static Pipeline.GpuWorker.Tests.Model.Gpu.KernelNumbers;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>The kernels of the loss and of the optimizer against their twins.</summary>
public sealed class TrainingKernelTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 4, 8, 8)]
    [InlineData(ScalarType.Float32, 3, 13, 16)]
    [InlineData(ScalarType.Float32, 5, 4099, 4104)]
    [InlineData(ScalarType.BFloat16, 3, 13, 24)]
    [InlineData(ScalarType.BFloat16, 5, 32_001, 32_008)]
    public void CrossEntropy_AndItsBackward_MatchTheReference(ScalarType real, int rows, int vocabulary, int stride)
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

    [Theory]
    [InlineData(ScalarType.Float32, 2051, false)]
    [InlineData(ScalarType.BFloat16, 777, false)]
    [InlineData(ScalarType.BFloat16, 777, true)]
    public void AdamW_ThreeSteps_MatchTheReference(ScalarType real, int count, bool totals)
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

            var settings = new AdamWStep(step, 1e-3, 0.1, Decayed: count / 2);

            kernels.AdamW(
                new AdamWTensors(
                    values,
                    totals ? ones(count, dtype: real) : gradients,
                    totals ? gradients : null,
                    copies
                ),
                first,
                second,
                settings,
                tensor([0.5f])
            );

            KernelReference.AdamW(exact, exactFirst, exactSecond, exactGradients, settings, 0.5);
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

        var step = new AdamWStep(1, LearningRate: 1, WeightDecay: 0.5, Decayed: 320);
        kernels.AdamW(new AdamWTensors(values, gradients, null, zeros(320)), first, second, step, tensor([clip]));
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
        kernels.AdamW8Bit(new AdamWTensors(values, gradients, null, null), moments, places, step, tensor([clip]));
        Assert.Equal((320f, 0), (values.sum().item<float>(), gradients.count_nonzero().item<long>()));
        Assert.All(moments.State, s => Assert.Equal(0, s.Value.count_nonzero().item<long>()));
    }
}
