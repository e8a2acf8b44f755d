using Pipeline.Evaluation.Scoring;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using TorchSharp;

namespace Pipeline.GpuWorker.Tests.Evaluation.Scoring;

public sealed class LabelLikelihoodTests
{
    private static readonly IReadOnlyList<int>[] Answers =
    [
        [10, 11, 2],
        [10, 12, 13, 2],
        [10, 12, 14, 2],
        [20, 2],
        [2],
    ];

    [Fact]
    public void Score_TreeBehindPaddedPrompts_EqualsEachAnswerAlone()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        IReadOnlyList<int>[] prompts =
        [
            [1, 5, 6, 7, 8, 9],
            [1, 30],
            [1, 40, 41, 42],
            [1, 50, 51, 52],
        ];

        IReadOnlyList<IReadOnlyList<double>> scores = LabelLikelihood.Score(
            model,
            prompts,
            new AnswerTree(Answers),
            null,
            TestContext.Current.CancellationToken
        );

        for (int p = 0; p < prompts.Length; p++)
        {
            IReadOnlyList<double> alone = AnswerLikelihood.Score(
                model,
                [.. Answers.Select(a => (prompts[p], a))],
                null,
                TestContext.Current.CancellationToken
            );
            Assert.All(alone.Zip(scores[p]), pair => Assert.Equal(pair.First, pair.Second, 2e-4));
        }
    }

    [Fact]
    public void AnswerTree_SharedPrefixes_AreOneNode()
    {
        var tree = new AnswerTree(Answers);

        Assert.Equal([(10, -1, 0), (11, 0, 1), (12, 0, 1), (13, 2, 2), (14, 2, 2), (20, -1, 0)], tree.Nodes);
        Assert.True(tree.Sees(4, 0));
        Assert.False(tree.Sees(4, 1));
        Assert.False(tree.Sees(4, 3));
    }

    /// <summary>
    /// Prompts stand side by side with padding between prompt and answer, across the growth of the cache, keys shared
    /// by heads, and windows.
    /// </summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("llama3")]
    [InlineData("mistral_window")]
    public void Continue_PromptsOfSeveralLengths_EqualsEachAlone(string name)
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", name), WeightStorage.Full);
        IReadOnlyList<int>[] prompts =
        [
            [1, 5, 6],
            [1, 30, 31],
            [1, 40, 41, 42],
            [1, 99, 3],
            [.. Enumerable.Range(3, 30)],
        ];
        int end = AnswerGenerator
            .Continue(model, [prompts[1]], 4, [], cancellation: TestContext.Current.CancellationToken)[0]
            .Ids[2]; // so that one row stops early

        IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> together = AnswerGenerator.Continue(
            model,
            prompts,
            60,
            [end],
            cancellation: TestContext.Current.CancellationToken
        );

        Assert.True(together[1].Stopped);
        for (int p = 0; p < prompts.Length; p++)
        {
            (IReadOnlyList<int> ids, bool stopped) = AnswerGenerator.Continue(
                model,
                [prompts[p]],
                60,
                [end],
                cancellation: TestContext.Current.CancellationToken
            )[0];
            Assert.Equal((string.Join(' ', ids), stopped), (string.Join(' ', together[p].Ids), together[p].Stopped));
        }
    }

    /// <summary>An answer ends where the model's positions do, whatever stands beside it.</summary>
    [Fact]
    public void Continue_NoPositionsLeft_Ends()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        int positions = model.Config.MaxPositions;
        IReadOnlyList<int>[] prompts =
        [
            [.. Enumerable.Repeat(5, positions - 2)],
            [.. Enumerable.Repeat(5, positions - 4)],
            [.. Enumerable.Repeat(5, positions)],
        ];

        IReadOnlyList<(IReadOnlyList<int> Ids, bool Stopped)> written = AnswerGenerator.Continue(
            model,
            prompts,
            int.MaxValue,
            [],
            cancellation: TestContext.Current.CancellationToken
        );

        Assert.Equal([2, 4, 0], written.Select(w => w.Ids.Count));
    }

    [Fact]
    public void Score_ManyBatches_LeavesNoTensorBehind()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        IReadOnlyList<int>[] prompts = [.. Enumerable.Range(0, 100).Select(i => (IReadOnlyList<int>)[1, i + 3, 4])];
        LabelLikelihood.Score(model, prompts, new AnswerTree(Answers), null, TestContext.Current.CancellationToken);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        LabelLikelihood.Score(model, prompts, new AnswerTree(Answers), null, TestContext.Current.CancellationToken);
        AnswerGenerator.Continue(model, prompts, 4, [2], cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
