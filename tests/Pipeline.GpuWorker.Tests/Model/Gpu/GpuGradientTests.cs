using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Model.Llama.Gradients;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using Pipeline.Model.Weights;
using Pipeline.Training.Batching;
using Pipeline.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// The GPU's way through a model, with its kernels run on the host: in float32 to rounding what autograd gives over the
/// plain model, in bfloat16 near it.
/// </summary>
public sealed class GpuGradientTests
{
    /// <summary>Loss and gradients by name.</summary>
    private static (double Loss, Dictionary<string, float[]> Gradients) OnGpu(
        LlamaModel model,
        LoraAdapter adapter,
        GpuKernels kernels,
        IReadOnlyList<IReadOnlyList<EncodedRow>> batches,
        uint? seed,
        ActivationCheckpointing memory
    )
    {
        LateCopies? copies = memory == ActivationCheckpointing.Offload ? new LateCopies() : null;
        using DisposeScope scope = NewDisposeScope();
        using GpuModel onDevice = GpuModel.From(model, kernels.Real, CPU);
        using GpuAdapter matrices = GpuAdapter.From(adapter, model.Projections, kernels.Real, CPU);
        using var gradient = new GpuGradient(onDevice, matrices, kernels, memory, copies);
        double loss = 0;
        foreach (IReadOnlyList<EncodedRow> rows in batches)
        {
            (List<int> predicting, List<int> targets) = MicroBatch.SupervisedPositions(rows);
            using var batch = new GpuBatch([.. rows.Select(r => r.Ids)], predicting, targets, CPU);
            loss += gradient.Accumulate(batch, 1, seed).item<float>();
            if (seed is null)
            {
                Assert.Equal(loss, batches.Count > 1 ? loss : gradient.Accumulate(batch, null, null).item<float>());
            }
        }

        float[] all = matrices.Gradients.to(ScalarType.Float32).data<float>().ToArray();
        var byName = new Dictionary<string, float[]>();
        int at = 0;
        foreach ((string name, Tensor value) in adapter.Tensors)
        {
            byName[name] = all[at..(at += (int)value.NumberOfElements)];
        }

        return (loss, byName);
    }

    [Theory]
    [InlineData("llama2", WeightStorage.Full, 0.0, ActivationCheckpointing.Selective)]
    [InlineData("llama2", WeightStorage.Nf4, 0.1, ActivationCheckpointing.Selective)]
    [InlineData("llama2", WeightStorage.Nf4, 0.1, ActivationCheckpointing.Full)]
    [InlineData("llama2", WeightStorage.Nf4, 0.1, ActivationCheckpointing.None)]
    [InlineData("llama3", WeightStorage.Full, 0.1, ActivationCheckpointing.Selective)]
    [InlineData("mistral", WeightStorage.Nf4, 0.1, ActivationCheckpointing.Selective)]
    [InlineData("mistral_window", WeightStorage.Full, 0.1, ActivationCheckpointing.Full)]
    [InlineData("qwen2", WeightStorage.Nf4, 0.1, ActivationCheckpointing.Selective)]
    public void Accumulate_EveryArchitecture_EqualsAutograd(
        string name,
        WeightStorage storage,
        double dropout,
        ActivationCheckpointing memory
    )
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), storage);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(4, 8, dropout));
        // Masks go by the place in the batch, which is the same in both forms only when no row is padded.
        IReadOnlyList<EncodedRow> rows = LlamaGradientTests.Rows(dropout > 0 ? [40, 40, 40] : [40, 7, 23]);

        (double expectedLoss, Dictionary<string, float[]> expected) = LlamaGradientTests.Autograd(
            model,
            adapter,
            rows,
            5
        );
        (double loss, Dictionary<string, float[]> actual) = OnGpu(model, adapter, kernels, [rows], 5, memory);

        Assert.Equal(expectedLoss, loss, 1e-5 * expectedLoss);
        LlamaGradientTests.AssertSame(expected, actual);
    }

    [Fact]
    public void Accumulate_SomeLayersAdapted_EqualsAutograd()
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama3"), WeightStorage.Full);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(
            model,
            new LoraOptions(4, 8, 0) { Targets = ["k_proj", "up_proj"], Layers = [1] }
        );
        IReadOnlyList<EncodedRow> rows = LlamaGradientTests.Rows([30, 11]);

        (_, Dictionary<string, float[]> expected) = LlamaGradientTests.Autograd(model, adapter, rows, null);
        (_, Dictionary<string, float[]> actual) = OnGpu(
            model,
            adapter,
            kernels,
            [rows],
            null,
            ActivationCheckpointing.Selective
        );

        LlamaGradientTests.AssertSame(expected, actual);
    }

    /// <summary>Packed rows neither see nor weigh on each other, and micro-batches add up.</summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("mistral_window")]
    public void Accumulate_PackedRows_EqualEachRowAlone(string name)
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Full);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(4, 8, 0));
        IReadOnlyList<EncodedRow> rows = LlamaGradientTests.Rows([40, 7, 23, 3, 64]);

        (double packedLoss, Dictionary<string, float[]> packed) = OnGpu(
            model,
            adapter,
            kernels,
            [rows],
            null,
            ActivationCheckpointing.Selective
        );
        (double alone, Dictionary<string, float[]> sum) = OnGpu(
            model,
            adapter,
            kernels,
            [.. rows.Select(r => (IReadOnlyList<EncodedRow>)[r])],
            null,
            ActivationCheckpointing.Selective
        );

        Assert.Equal(alone, packedLoss, 1e-5 * alone);
        LlamaGradientTests.AssertSame(sum, packed);
    }

    /// <summary>
    /// What is computed again is the same to the bit: masks and sums depend on nothing that has passed.
    /// </summary>
    [Theory]
    [InlineData("qwen2", ScalarType.Float32)]
    [InlineData("qwen2", ScalarType.BFloat16)]
    [InlineData("llama2", ScalarType.BFloat16)]
    public void Accumulate_WhateverIsKept_IsTheSame(string name, ScalarType real)
    {
        using GpuKernels kernels = HostKernels.Load(real);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Nf4);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(8, 8, 0.1));
        IReadOnlyList<EncodedRow> rows = LlamaGradientTests.Rows([40, 7, 23]);

        (double loss, Dictionary<string, float[]> expected) = OnGpu(
            model,
            adapter,
            kernels,
            [rows, LlamaGradientTests.Rows([50, 50])],
            9,
            ActivationCheckpointing.Full
        );
        foreach (
            ActivationCheckpointing memory in (ActivationCheckpointing[])
                [ActivationCheckpointing.Offload, ActivationCheckpointing.Selective, ActivationCheckpointing.None]
        )
        {
            (double other, Dictionary<string, float[]> actual) = OnGpu(
                model,
                adapter,
                kernels,
                [rows, LlamaGradientTests.Rows([50, 50])],
                9,
                memory
            );
            Assert.Equal(loss, other);
            Assert.All(expected, e => Assert.Equal(e.Value, actual[e.Key]));
        }
    }

    /// <summary>bfloat16 rounds every number that is kept: loss and directions stay.</summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("qwen2")]
    public void Accumulate_InBfloat16_IsNearFloat32(string name)
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.BFloat16);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Nf4);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(8, 8, 0.1));
        IReadOnlyList<EncodedRow> rows = LlamaGradientTests.Rows([40, 40, 40]);

        (double expectedLoss, Dictionary<string, float[]> expected) = LlamaGradientTests.Autograd(
            model,
            adapter,
            rows,
            5
        );
        (double loss, Dictionary<string, float[]> actual) = OnGpu(
            model,
            adapter,
            kernels,
            [rows],
            5,
            ActivationCheckpointing.Selective
        );

        Assert.Equal(expectedLoss, loss, 2e-3 * expectedLoss);
        double Cosine(float[] a, float[] b) =>
            a.Zip(b).Sum(p => (double)p.First * p.Second)
            / Math.Sqrt(a.Sum(v => (double)v * v) * b.Sum(v => (double)v * v));
        Assert.All(
            expected,
            e => Assert.True(Cosine(e.Value, actual[e.Key]) > 0.998, $"{e.Key}: {Cosine(e.Value, actual[e.Key])}")
        );
    }

    /// <summary>
    /// The definition in float64, with weights that are functions of the matrices: <c>W + s B A</c>. In float32 it is
    /// met to rounding; in bfloat16 every number that is kept is rounded, and torch's own autograd in bfloat16 is
    /// farther away.
    /// </summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Accumulate_EveryMatrix_FollowsAutogradInFloat64(ScalarType real)
    {
        using DisposeScope scope = NewDisposeScope();
        using GpuKernels kernels = HostKernels.Load(real);
        string folder = RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat");
        using LlamaModel model = LlamaModel.Load(folder, WeightStorage.Full);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(8, 16, 0));
        using (no_grad())
        {
            adapter.Values.copy_(adapter.Values.to(ScalarType.BFloat16)); // numbers that all of them have
        }

        Replace(model, (_, held) => held.to(ScalarType.BFloat16).to(ScalarType.Float32));
        IReadOnlyList<EncodedRow> rows = LlamaGradientTests.Rows([40, 17, 29]);

        (double loss, Dictionary<string, float[]> actual) = OnGpu(
            model,
            adapter,
            kernels,
            [rows],
            null,
            ActivationCheckpointing.Selective
        );

        (double expectedLoss, Dictionary<string, double[]> expected) = ByAutograd(
            folder,
            adapter,
            rows,
            ScalarType.Float64
        );
        double[] errors = Errors(expected, n => [.. actual[n].Select(v => (double)v)]);
        if (real == ScalarType.Float32)
        {
            Assert.Equal(expectedLoss, loss, 1e-6 * expectedLoss);
            Assert.True(errors.Max() < 1e-5, $"{errors.Max()}");
            return;
        }

        (double torchsLoss, Dictionary<string, double[]> torchs) = ByAutograd(
            folder,
            adapter,
            rows,
            ScalarType.BFloat16
        );
        double[] torchsErrors = Errors(expected, n => torchs[n]);
        Assert.True(
            errors.Max() < torchsErrors.Max() && errors.Average() < 0.9 * torchsErrors.Average(),
            $"{errors.Max()} {errors.Average()}, torch {torchsErrors.Max()} {torchsErrors.Average()}"
        );
        Assert.True(
            Math.Abs(loss - expectedLoss) < 2e-3 * expectedLoss,
            $"{loss} of {expectedLoss}, torch {torchsLoss}"
        );
    }

    /// <summary>Of each tensor the relative norm of what it is off by.</summary>
    private static double[] Errors(Dictionary<string, double[]> expected, Func<string, double[]> actual) =>
        [
            .. expected.Select(e =>
                Math.Sqrt(
                    e.Value.Zip(actual(e.Key)).Sum(p => (p.First - p.Second) * (p.First - p.Second))
                        / e.Value.Sum(v => v * v)
                )
            ),
        ];

    private static void Replace(LlamaModel model, Func<string, Tensor, Tensor> other) =>
        model.Replace((name, held) => other(name, held).DetachFromDisposeScope());

    private static (double Loss, Dictionary<string, double[]> Gradients) ByAutograd(
        string folder,
        LoraAdapter adapter,
        IReadOnlyList<EncodedRow> rows,
        ScalarType numbers
    )
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = LlamaModel.Load(folder, WeightStorage.Full);
        Dictionary<string, Tensor> leaves = adapter.Tensors.ToDictionary(
            t => t.Name,
            t => t.Value.detach().to(numbers).requires_grad_(),
            StringComparer.Ordinal
        );
        Replace(
            model,
            (name, held) =>
            {
                Tensor exact = held.to(ScalarType.BFloat16).to(numbers);
                string path = name[..name.LastIndexOf('.')];
                return adapter.Pairs.TryGetValue(path, out LoraPair? pair)
                    ? exact.add(leaves[$"{path}.lora_B.weight"].mm(leaves[$"{path}.lora_A.weight"]).mul(pair.Scale))
                    : exact;
            }
        );
        using MicroBatch batch = MicroBatch.From(rows);
        Tensor loss = CompletionLoss.Sum(model, batch, null);
        loss.backward();
        return (
            loss.to(ScalarType.Float64).item<double>(),
            leaves.ToDictionary(
                l => l.Key,
                l => l.Value.grad!.to(ScalarType.Float64).data<double>().ToArray(),
                StringComparer.Ordinal
            )
        );
    }

    [Fact]
    public void Accumulate_ManyBatches_LeavesNoTensorBehind()
    {
        using GpuKernels kernels = HostKernels.Load(ScalarType.Float32);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Nf4);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(4, 8, 0.1));
        foreach (ActivationCheckpointing memory in Enum.GetValues<ActivationCheckpointing>())
        {
            long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            OnGpu(
                model,
                adapter,
                kernels,
                [LlamaGradientTests.Rows([12, 7]), LlamaGradientTests.Rows([9, 9]), LlamaGradientTests.Rows([20])],
                3,
                memory
            );
            Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }
    }
}
