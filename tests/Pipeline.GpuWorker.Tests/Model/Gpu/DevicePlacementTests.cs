using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Model.Llama.Gradients;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training.Batching;
using Pipeline.Training.Objectives;
using Pipeline.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>
/// Whether everything lies on the device that shall compute: torch's device without memory computes shapes alone, and
/// refuses what lies on two devices, as a GPU would. What the numbers are, other tests say.
/// </summary>
public sealed class DevicePlacementTests
{
    private static readonly Device Elsewhere = META;

    /// <summary>Takes every call and does nothing.</summary>
    private sealed class NoKernels(ScalarType real) : IKernelLauncher
    {
        public ScalarType Real => real;

        public int MaxBlocks => 1;

        public void Launch(string kernel, long blocks, int threads, ReadOnlySpan<KernelArgument> arguments) =>
            Assert.Contains(kernel, KernelSource.Kernels);

        public void Dispose()
        {
            // nothing is held
        }
    }

    private static void AssertThere(Tensor tensor, params long[] shape)
    {
        Assert.Equal((DeviceType.META, string.Join(',', shape)), (tensor.device.type, string.Join(',', tensor.shape)));
    }

    [Theory]
    [InlineData("llama2", WeightStorage.Nf4, OptimizerKind.AdamW)]
    [InlineData("qwen2", WeightStorage.Full, OptimizerKind.AdamW8Bit)]
    [InlineData("mistral_window", WeightStorage.Nf4, OptimizerKind.AdamW)]
    public void Kernels_TrainAndAsk_OnOneDevice(string name, WeightStorage storage, OptimizerKind optimizer)
    {
        using DisposeScope scope = NewDisposeScope();
        using var kernels = new GpuKernels(new NoKernels(ScalarType.BFloat16), Elsewhere);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), storage);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(8, 8, 0.1));
        using GpuModel onDevice = GpuModel.From(model, kernels.Real, Elsewhere);
        using GpuAdapter copies = GpuAdapter.From(adapter, model.Projections, kernels.Real, Elsewhere);
        IReadOnlyList<EncodedRow> rows = LlamaGradientTests.Rows([40, 7, 23]);
        (List<int> predicting, List<int> targets) = MicroBatch.SupervisedPositions(rows);
        using var optimizing = new GpuOptimizer(
            copies,
            adapter.Values.to(Elsewhere),
            kernels,
            0.1,
            optimizer == OptimizerKind.AdamW ? null : AdamW8Bit.Moments(adapter, Elsewhere)
        );
        foreach (ActivationCheckpointing memory in Enum.GetValues<ActivationCheckpointing>())
        {
            using var gradient = new GpuGradient(onDevice, copies, kernels, memory);
            using var batch = new GpuBatch([.. rows.Select(r => r.Ids)], predicting, targets, Elsewhere);
            Tensor loss = gradient.Accumulate(
                batch,
                1,
                5,
                zeros(batch.Count, model.Config.HiddenSize, dtype: kernels.Real, device: Elsewhere)
            );
            AssertThere(loss);
            copies.AddUp();
            AssertThere(optimizing.Step(1e-3, 1, loss));
            optimizing.Round();
        }

        using var inference = new GpuCausalModel(
            onDevice,
            GpuAdapter.From(adapter, model.Projections, kernels.Real, Elsewhere),
            kernels,
            freeBytes: 1L << 30
        );
        Evaluate(inference);
    }

    [Theory]
    [InlineData("llama2", false)]
    [InlineData("qwen2", true)]
    [InlineData("mistral_window", true)]
    public void PlainTorch_TrainsAndAsks_OnOneDevice(string name, bool dora)
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Full);
        model.MoveTo(Elsewhere);
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(8, 8, 0.1) { UseDora = dora }, 1);
        model.Attach(adapter.Pairs);
        AssertThere(adapter.Values, adapter.Values.NumberOfElements);
        using MicroBatch batch = MicroBatch.From(LlamaGradientTests.Rows([40, 7, 23]));

        Tensor loss = CompletionLoss.Sum(
            model,
            batch,
            5,
            EmbeddingNoise.Create(batch.Rows.Lengths, model.Config.HiddenSize, 5, 1)
        );
        loss.backward();

        AssertThere(loss);
        using var optimizer = new AdamW(adapter, 0.1);
        optimizer.Step(1e-3);
        using (var kernels = new GpuKernels(new NoKernels(ScalarType.BFloat16), Elsewhere))
        {
            using var gpu = new Accelerator(kernels, "", () => (0, 0));
            using var small = new AdamW8Bit(adapter, 0.1, gpu);
            small.Step(1e-3);
        }

        using IDisposable frozen = no_grad();
        Evaluate(model);
        model.Attach(adapter.Pairs, folded: true);
        Evaluate(model);
    }

    [Fact]
    public void PlainTorch_TrainsEveryWeight_OnOneDevice()
    {
        using DisposeScope scope = NewDisposeScope();
        string folder = RepositoryFiles.At("tests", "Golden", "qwen2");
        using LlamaModel model = LlamaModel.Load(folder, WeightStorage.Full);
        model.MoveTo(Elsewhere);
        using FullWeights weights = FullWeights.From(model, folder, memory: 8L << 30);
        using MicroBatch batch = MicroBatch.From(LlamaGradientTests.Rows([20, 7]));

        CompletionLoss.Sum(model, batch, null).backward();

        using var optimizer = new AdamW(weights, 0.1);
        optimizer.Step(1e-3);
        AssertThere(weights.Gradients, weights.Values.NumberOfElements);
    }

    /// <summary>A prompt of several rows, one token after it, and several after it by a mask.</summary>
    private static void Evaluate(ICausalModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        using var cache = new KeyValueCache(model.Config.Layers);
        Tensor Tokens(long rows, long count) => ones([rows, count], dtype: ScalarType.Int64);
        AssertThere(model.Logits(model.Forward(Tokens(2, 5))), 2, 5, model.Config.VocabularySize);
        model.Forward(Tokens(3, 30), arange(30, dtype: ScalarType.Int64).unsqueeze(0), null, cache, keep: true);
        cache.SelectRows(tensor((long[])[0, 2], device: Elsewhere));
        Tensor next = model.Forward(
            Tokens(2, 1),
            tensor((long[])[30, 12], [2, 1]),
            ones([2, 1, 1, 31], dtype: ScalarType.Bool),
            cache,
            keep: true
        );
        AssertThere(model.Logits(next.select(1, 0)), 2, model.Config.VocabularySize);
        AssertThere(
            model.Forward(Tokens(2, 1), tensor((long[])[31, 13], [2, 1]), null, cache, keep: true),
            2,
            1,
            model.Config.HiddenSize
        );
        AssertThere(
            model.Forward(
                Tokens(2, 4),
                tensor((long[])[32, 33, 33, 34], [1, 4]),
                ones([1, 1, 4, 36], dtype: ScalarType.Bool),
                cache,
                keep: false
            ),
            2,
            4,
            model.Config.HiddenSize
        );
        Assert.Equal(32, cache.Length);
    }
}
