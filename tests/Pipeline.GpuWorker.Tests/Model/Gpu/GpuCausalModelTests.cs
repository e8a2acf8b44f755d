using Pipeline.Evaluation.Scoring;
using Pipeline.GpuWorker.Tests.Model.Llama.Gradients;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Model.Gpu;

/// <summary>A model that is asked on a device, its kernels run on the host, says what the plain model says.</summary>
public sealed class GpuCausalModelTests
{
    private static readonly IReadOnlyList<int>[] Answers =
    [
        [10, 11, 2],
        [10, 12, 13, 2],
        [20, 2],
    ];
    private static readonly IReadOnlyList<int>[] Prompts =
    [
        [1, 5, 6, 7, 8, 9],
        [1, 30],
        [1, 40, 41, 42],
        [.. Enumerable.Range(3, 30)],
    ];

    private static void WithBoth(
        string name,
        WeightStorage storage,
        ScalarType real,
        Action<LlamaModel, GpuCausalModel> compare,
        long freeBytes = 0
    )
    {
        using GpuKernels kernels = HostKernels.Load(real);
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), storage);
        using LoraAdapter adapter = LlamaGradientTests.Adapter(model, new LoraOptions(8, 16, 0.1));
        using GpuModel onDevice = GpuModel.From(model, real, CPU);
        using var inference = new GpuCausalModel(
            onDevice,
            GpuAdapter.From(adapter, model.Projections, real, CPU),
            kernels,
            freeBytes
        );
        compare(model, inference);
    }

    [Theory]
    [InlineData("llama2", WeightStorage.Nf4)]
    [InlineData("llama3", WeightStorage.Nf4)]
    [InlineData("mistral_window", WeightStorage.Full)]
    [InlineData("qwen2", WeightStorage.Nf4)]
    public void Answers_EveryArchitecture_AreThePlainModels(string name, WeightStorage storage) =>
        WithBoth(
            name,
            storage,
            ScalarType.Float32,
            (model, inference) =>
            {
                CancellationToken none = TestContext.Current.CancellationToken;
                IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> expected = AnswerGenerator.Continue(
                        model,
                        Prompts,
                        40,
                        [2],
                        cancellation: none
                    ),
                    written = AnswerGenerator.Continue(inference, Prompts, 40, [2], cancellation: none);
                Assert.Equal(
                    expected.Select(w => (string.Join(' ', w.Ids), w.Stopped)),
                    written.Select(w => (string.Join(' ', w.Ids), w.Stopped))
                );

                var tree = new AnswerTree(Answers);
                IReadOnlyList<IReadOnlyList<double>> labels = LabelLikelihood.Score(model, Prompts, tree, null, none),
                    others = LabelLikelihood.Score(inference, Prompts, tree, null, none);
                Assert.All(
                    labels.SelectMany(l => l).Zip(others.SelectMany(l => l)),
                    p => Assert.Equal(p.First, p.Second, 5e-4)
                );

                IReadOnlyList<(IReadOnlyList<int>, IReadOnlyList<int>)> rows =
                [
                    .. Prompts.Select(p => (p, Answers[1])),
                ];
                Assert.All(
                    AnswerLikelihood
                        .Score(model, rows, null, none)
                        .Zip(AnswerLikelihood.Score(inference, rows, null, none)),
                    p => Assert.Equal(p.First, p.Second, 5e-4)
                );
            }
        );

    [Theory]
    [InlineData("llama2")]
    [InlineData("qwen2")]
    public void Logits_InBfloat16_AreNearThePlainModels(string name) =>
        WithBoth(
            name,
            WeightStorage.Nf4,
            ScalarType.BFloat16,
            (model, inference) =>
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable frozen = no_grad();
                Tensor ids = tensor([.. Prompts[3].Select(i => (long)i)], [1, 30]);

                Tensor expected = model.Logits(model.Forward(ids)),
                    logits = inference.Logits(inference.Forward(ids));

                Assert.Equal(ScalarType.Float32, logits.dtype);
                Assert.Equal(expected.shape, logits.shape);
                double error = logits.sub(expected).norm().item<float>() / expected.norm().item<float>();
                Assert.True(error is > 0 and < 0.03, $"{error}");
            }
        );

    /// <summary>
    /// What fits stands side by side; what does not is asked in smaller batches, with the same answers.
    /// </summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(512L << 20, 20_000)]
    public void MaxTokens_GoesByTheMemoryThereIs(long freeBytes, int least) =>
        WithBoth(
            "llama3",
            WeightStorage.Nf4,
            ScalarType.Float32,
            (model, inference) =>
            {
                Assert.InRange(inference.MaxTokens, least, least * 10L);
                IReadOnlyList<IReadOnlyList<double>> expected = LabelLikelihood.Score(
                    model,
                    Prompts,
                    new AnswerTree(Answers),
                    null,
                    TestContext.Current.CancellationToken
                );
                IReadOnlyList<IReadOnlyList<double>> scores = LabelLikelihood.Score(
                    inference,
                    Prompts,
                    new AnswerTree(Answers),
                    null,
                    TestContext.Current.CancellationToken
                );
                Assert.All(
                    expected.SelectMany(l => l).Zip(scores.SelectMany(l => l)),
                    p => Assert.Equal(p.First, p.Second, 5e-4)
                );
            },
            freeBytes
        );

    [Fact]
    public void Batches_OfRows_KeepToRowsAndTokens()
    {
        int[] lengths = [5, 1, 9, 4, 4, 30, 2];

        Assert.Equal(["1 6 3", "4 0", "2", "5"], RowBatches.Create(lengths, 3, 12).Select(b => string.Join(' ', b)));
        Assert.Equal(
            ["1 6", "3 4 0", "2", "5"],
            RowBatches
                .Create(lengths, 3, 1000, (shortest, longest) => longest <= 2 * shortest)
                .Select(b => string.Join(' ', b))
        );
        Assert.Empty(RowBatches.Create([], 3, 12));
    }

    [Fact]
    public void Answers_Many_LeaveNoTensorBehind() =>
        WithBoth(
            "mistral_window",
            WeightStorage.Nf4,
            ScalarType.BFloat16,
            (_, inference) =>
            {
                // makes the tables of positions
                AnswerGenerator.Continue(
                    inference,
                    Prompts,
                    2,
                    [2],
                    cancellation: TestContext.Current.CancellationToken
                );
                long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

                AnswerGenerator.Continue(
                    inference,
                    Prompts,
                    5,
                    [2],
                    cancellation: TestContext.Current.CancellationToken
                );
                LabelLikelihood.Score(
                    inference,
                    Prompts,
                    new AnswerTree(Answers),
                    null,
                    TestContext.Current.CancellationToken
                );

                Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            }
        );
}
