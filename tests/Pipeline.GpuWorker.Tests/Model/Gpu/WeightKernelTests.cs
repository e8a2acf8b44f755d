using Pipeline.Model.Gpu;
using Pipeline.Model.Quantization;
using TorchSharp;
using static Pipeline.GpuWorker.Tests.Model.Gpu.KernelNumbers;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>Each kernel that reads the matrices, and its like without a kernel, against its twin.</summary>
public sealed class WeightKernelTests
{
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
}
