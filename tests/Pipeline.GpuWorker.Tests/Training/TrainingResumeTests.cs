using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training.Stepping;
using static Pipeline.GpuWorker.Tests.Training.SmallTraining;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>A run that was stopped goes on where it was, and only on its own checkpoint.</summary>
public sealed class TrainingResumeTests
{
    [Fact]
    public void Train_SameSeedTwice_GivesTheSameBytes() => Assert.Equal(Train(Settings).Values, Train(Settings).Values);

    [Fact]
    public void Train_StoppedAndResumed_EqualsTheUnbrokenRun()
    {
        using var folder = new TemporaryFolder();
        (float[] uninterrupted, List<TrainingStep> all) = Train(Settings);

        (_, List<TrainingStep> before) = Train(Settings, folder.Path, stopAfter: 5);
        (float[] resumed, List<TrainingStep> after) = Train(Settings, folder.Path);

        Assert.Equal(5, before.Count);
        Assert.Equal(6, after[0].Step);
        Assert.Equal(uninterrupted, resumed);
        Assert.Equal(all.Select(s => s.Loss), before.Concat(after).Select(s => s.Loss));
        Assert.Equal(all[^1].Tokens, after[^1].Tokens);
    }

    [Theory]
    [InlineData(false, 0.0, null)]
    [InlineData(false, 5.0, 40)]
    [InlineData(true, 0.0, null)]
    [InlineData(false, 0.0, null, OptimizerKind.AdamW8Bit)]
    public void Train_EachVariantStoppedAndResumed_EqualsTheUninterruptedRun(
        bool dora,
        double neftuneAlpha,
        int? packTokens,
        OptimizerKind optimizer = OptimizerKind.AdamW
    )
    {
        using var folder = new TemporaryFolder();
        TrainingSettings settings = Settings with
        {
            Dora = dora,
            R = 64,
            Optimizer = optimizer,
            NeftuneAlpha = neftuneAlpha,
            PackTokens = packTokens,
            EvaluationSteps = 2,
            KeepBest = true,
        };
        (float[] uninterrupted, List<TrainingStep> all) = Train(settings);

        (_, List<TrainingStep> before) = Train(settings, folder.Path, stopAfter: 5);
        (float[] resumed, List<TrainingStep> after) = Train(settings, folder.Path);

        Assert.Equal(uninterrupted, resumed);
        Assert.Equal(all.Select(s => s.Loss), before.Concat(after).Select(s => s.Loss));
    }

    [Fact]
    public void Train_CheckpointOfOtherSettings_StartsAnew()
    {
        using var folder = new TemporaryFolder();
        Train(Settings, folder.Path, stopAfter: 5);

        (_, List<TrainingStep> steps) = Train(Settings with { LearningRate = 1e-3 }, folder.Path);

        Assert.Equal(1, steps[0].Step);
    }

    /// <summary>Other weights, another loss mask or other validation rows give another fingerprint.</summary>
    [Fact]
    public void Fingerprint_OtherWeightsLossMaskOrValidationRows_Differs()
    {
        using LlamaModel llama = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LlamaModel quantized = LlamaModel.Load(
            RepositoryFiles.At("tests", "Golden", "llama2"),
            WeightStorage.Nf4
        );
        using LoraAdapter adapter = LoraAdapter.Create(llama, new LoraOptions(4, 8, 0), 1);
        var run = new TrainingRun
        {
            Model = llama,
            Trained = adapter,
            Rows = SmallRows.Create(8),
            ValidationRows = SmallRows.Create(2),
            Settings = Settings,
        };

        string[] fingerprints =
        [
            run.Fingerprint(),
            (run with { Model = quantized }).Fingerprint(),
            (run with { ValidationRows = SmallRows.Create(3) }).Fingerprint(),
            (
                run with
                {
                    Rows =
                    [
                        .. SmallRows.Create(8).Select(r => r with { LossMask = [.. r.LossMask.Select(_ => (byte)1)] }),
                    ],
                }
            ).Fingerprint(),
        ];

        Assert.Equal(4, fingerprints.Distinct().Count());
        Assert.Equal(fingerprints[0], run.Fingerprint());
    }
}
