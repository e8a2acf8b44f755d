using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Llama.Gradients;
using Pipeline.Model.Weights;
using Pipeline.Training.Batching;
using Pipeline.Training.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Llama.Gradients;

/// <summary>The hand-written derivatives against autograd over the plain model, tensor by tensor.</summary>
public sealed class LlamaGradientTests
{
    private const double Tolerance = 1e-5; // |hand - autograd| / |autograd| of each tensor, in float32

    [Theory]
    [InlineData("llama2", WeightStorage.Full, 0.0)]
    [InlineData("llama2", WeightStorage.Nf4, 0.1)]
    [InlineData("llama3", WeightStorage.Full, 0.1)]
    [InlineData("mistral", WeightStorage.Full, 0.1)]
    [InlineData("mistral_window", WeightStorage.Full, 0.1)]
    [InlineData("qwen2", WeightStorage.Nf4, 0.1)]
    public void Accumulate_EveryArchitecture_EqualsAutograd(string name, WeightStorage storage, double dropout)
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), storage);
        using LoraAdapter adapter = Adapter(model, new LoraOptions(4, 8, dropout));
        // Masks go by the place in the batch, which is the same in both forms only when no row is padded.
        IReadOnlyList<EncodedRow> rows = Rows(dropout > 0 ? [40, 40, 40] : [40, 7, 23]);

        (double expectedLoss, Dictionary<string, float[]> expected) = Autograd(model, adapter, rows, 5);
        (double loss, Dictionary<string, float[]> actual) = ByHand(model, adapter, rows, 5, keptBytes: long.MaxValue);

        Assert.Equal(expectedLoss, loss, 1e-5 * expectedLoss);
        AssertSame(expected, actual);
    }

    [Fact]
    public void Accumulate_WithoutRoomToKeepLayers_ComputesThemAgainToTheSameGradients()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter adapter = Adapter(model, new LoraOptions(4, 8, 0.1));
        IReadOnlyList<EncodedRow> rows = Rows([40, 7, 23]);

        (double expectedLoss, Dictionary<string, float[]> expected) = ByHand(
            model,
            adapter,
            rows,
            5,
            keptBytes: long.MaxValue
        );
        (double loss, Dictionary<string, float[]> actual) = ByHand(model, adapter, rows, 5, keptBytes: 0);

        Assert.Equal(expectedLoss, loss);
        Assert.All(expected, e => Assert.Equal(e.Value, actual[e.Key]));
    }

    [Fact]
    public void Accumulate_SomeLayersAdapted_EqualsAutograd()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter adapter = Adapter(
            model,
            new LoraOptions(4, 8, 0) { Targets = ["q_proj", "down_proj"], Layers = [1] }
        );
        IReadOnlyList<EncodedRow> rows = Rows([30, 11]);

        (_, Dictionary<string, float[]> expected) = Autograd(model, adapter, rows, null);
        (_, Dictionary<string, float[]> actual) = ByHand(model, adapter, rows, null, keptBytes: long.MaxValue);

        AssertSame(expected, actual);
    }

    /// <summary>
    /// Rows packed together neither see nor weigh on each other: loss and gradients are those of each row alone.
    /// </summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("mistral_window")]
    public void Accumulate_PackedRows_EqualEachRowAlone(string name)
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Full);
        using LoraAdapter adapter = Adapter(model, new LoraOptions(4, 8, 0));
        IReadOnlyList<EncodedRow> rows = Rows([40, 7, 23, 3, 64]);

        (double packedLoss, Dictionary<string, float[]> packed) = ByHand(
            model,
            adapter,
            rows,
            null,
            keptBytes: long.MaxValue
        );
        double alone = 0;
        Dictionary<string, float[]> sum = packed.ToDictionary(p => p.Key, p => new float[p.Value.Length]);
        foreach (EncodedRow row in rows)
        {
            (double loss, Dictionary<string, float[]> one) = ByHand(
                model,
                adapter,
                [row],
                null,
                keptBytes: long.MaxValue
            );
            alone += loss;
            foreach ((string key, float[] values) in one)
            {
                for (int i = 0; i < values.Length; i++)
                {
                    sum[key][i] += values[i];
                }
            }
        }

        Assert.Equal(alone, packedLoss, 1e-5 * alone);
        AssertSame(sum, packed);
    }

    /// <summary>
    /// One step of eight rows is eight of one: the loss is weighted by the whole step's supervised tokens.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Accumulate_OneTimesEight_EqualsEightTimesOne(bool dora)
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter adapter = Adapter(model, new LoraOptions(4, 8, 0) { UseDora = dora });
        IReadOnlyList<EncodedRow> rows = Rows([40, 7, 23, 3, 64, 12, 33, 21]);
        using var gradient = new StepGradient(model);

        double together = gradient.Accumulate([rows], null);
        float[] expected = adapter.Gradients.data<float>().ToArray();
        adapter.Gradients.zero_();
        double apart = gradient.Accumulate([.. rows.Select(r => (IReadOnlyList<EncodedRow>)[r])], null);
        float[] actual = adapter.Gradients.data<float>().ToArray();

        Assert.Equal(together, apart, 1e-5 * together);
        Assert.True(Distance(expected, actual) < Tolerance, $"{Distance(expected, actual)}");
    }

    [Fact]
    public void Accumulate_ManyBatchesOfOtherLengths_LeavesNoTensorBehind()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Nf4);
        using LoraAdapter adapter = Adapter(model, new LoraOptions(4, 8, 0.1));
        using var gradient = new StepGradient(model);
        gradient.Accumulate([Rows([64, 64, 64])], 1);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 50; i++)
        {
            gradient.Accumulate([Rows([3 + i, 7, 50 - i])], (uint)i);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    internal static (double Loss, Dictionary<string, float[]> Gradients) Autograd(
        LlamaModel model,
        LoraAdapter adapter,
        IReadOnlyList<EncodedRow> rows,
        uint? seed
    )
    {
        using DisposeScope scope = NewDisposeScope();
        adapter.Gradients.zero_();
        using MicroBatch batch = MicroBatch.From(rows);
        Tensor loss = CompletionLoss.Sum(model, batch, seed);
        loss.backward();
        return (loss.item<float>(), Gradients(adapter));
    }

    private static (double Loss, Dictionary<string, float[]> Gradients) ByHand(
        LlamaModel model,
        LoraAdapter adapter,
        IReadOnlyList<EncodedRow> rows,
        uint? seed,
        long keptBytes
    )
    {
        adapter.Gradients.zero_();
        using var gradient = new LlamaGradient(model, keptBytes);
        using MicroBatch batch = MicroBatch.From(rows);
        double loss = gradient.Accumulate(batch.Rows, batch.Predicting, batch.Targets, 1, seed);
        Assert.Equal(
            loss,
            seed is null ? gradient.Loss(batch.Rows, batch.Predicting, batch.Targets) : loss,
            1e-9 * loss
        );
        return (loss, Gradients(adapter));
    }

    private static Dictionary<string, float[]> Gradients(LoraAdapter adapter) =>
        adapter.Tensors.ToDictionary(t => t.Name, t => t.Value.grad!.contiguous().data<float>().ToArray());

    internal static void AssertSame(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual)
    {
        foreach ((string name, float[] values) in expected)
        {
            Assert.True(values.Any(v => v != 0), $"{name} has no gradient at all");
            Assert.True(Distance(values, actual[name]) < Tolerance, $"{name}: {Distance(values, actual[name])}");
        }
    }

    private static double Distance(float[] expected, float[] actual) =>
        Math.Sqrt(
            expected.Zip(actual).Sum(p => Math.Pow((double)p.First - p.Second, 2)) / expected.Sum(v => (double)v * v)
        );

    /// <summary>An adapter whose B is not zero, so that every gradient is of some size.</summary>
    internal static LoraAdapter Adapter(LlamaModel model, LoraOptions options)
    {
        LoraAdapter adapter = LoraAdapter.Create(model, options, seed: 3);
        using IDisposable frozen = no_grad();
        using var generator = new Generator(4);
        foreach (
            (string name, Tensor value) in adapter.Tensors.Where(t =>
                t.Name.Contains("lora_B", StringComparison.Ordinal)
            )
        )
        {
            using Tensor random = randn(value.shape, generator: generator).mul_(0.02);
            value.copy_(random);
        }

        model.Attach(adapter.Pairs);
        return adapter;
    }

    internal static IReadOnlyList<EncodedRow> Rows(int[] lengths)
    {
        var random = new Random(7);
        return
        [
            .. lengths.Select(
                (length, row) =>
                    new EncodedRow(
                        $"{row}",
                        [.. Enumerable.Range(0, length).Select(_ => random.Next(512))],
                        [.. Enumerable.Range(0, length).Select(i => (byte)(i < 2 ? 0 : 1))]
                    )
            ),
        ];
    }
}
