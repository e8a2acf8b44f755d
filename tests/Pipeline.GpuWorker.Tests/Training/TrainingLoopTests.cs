using Pipeline.Contracts;
using Pipeline.Training;
using Pipeline.Training.Stepping;
using TorchSharp;
using static Pipeline.GpuWorker.Tests.Training.SmallTraining;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>What a run learns, whatever the way its rows are put together.</summary>
public sealed class TrainingLoopTests
{
    /// <summary>Moments in 8 bits are a little off, and only that.</summary>
    [Fact]
    public void Train_WithMomentsIn8Bits_LearnsAsMuch()
    {
        TrainingSettings settings = Settings with { R = 64, Epochs = 10 };
        (float[] exact, List<TrainingStep> all) = Train(settings);

        (float[] coded, List<TrainingStep> steps) = Train(settings with { Optimizer = OptimizerKind.AdamW8Bit });

        Assert.NotEqual(exact, coded);
        Assert.True(all[^1].Loss < 0.7 * all[0].Loss, $"{all[0].Loss} to {all[^1].Loss}");
        Assert.Equal(all[^1].Loss, steps[^1].Loss, 0.03 * all[^1].Loss);
    }

    [Fact]
    public void Train_EvaluationSteps_ValidatesAfterEachAndAtTheEnd() =>
        Assert.Equal([5, 10, 12], TrainAll(Settings with { EvaluationSteps = 5 }).Validations.Select(v => v.Step));

    /// <summary>
    /// A rate that soon does harm: the adapter that is kept is the one of the lowest validation loss, and training ends
    /// early.
    /// </summary>
    [Fact]
    public void Train_EarlyStopping_EndsAndKeepsTheBest()
    {
        TrainingSettings harmful = Settings with
        {
            Epochs = 60,
            LearningRate = 0.5,
            Schedule = RateSchedule.Constant,
            EvaluationSteps = 1,
            EarlyStopping = 3,
            WarmupSteps = 0,
        };

        (float[] kept, List<TrainingStep> steps, List<(int Step, double Loss)> validations, TrainingOutcome? outcome) =
            TrainAll(harmful);

        Assert.True(steps.Count < 360, $"{steps.Count} steps were made");
        Assert.Equal(validations.MinBy(v => v.Loss).Step, outcome!.BestStep);
        Assert.Equal(outcome.BestStep + 3, steps.Count);
        float[] atBest = Train(harmful with { EarlyStopping = null }, stopAfter: outcome.BestStep!.Value).Values;
        Assert.Equal(atBest, kept);
    }

    [Fact]
    public void Train_PackedRows_EqualsUnpacked()
    {
        TrainingSettings oneStep = Settings with { Dropout = 0, BatchSize = 8, Epochs = 3, WarmupSteps = 1 };

        float[] together = Train(oneStep, rows: 8).Values;
        float[] packed = Train(oneStep with { PackTokens = 1024 }, rows: 8).Values;

        Assert.InRange(
            Math.Sqrt(together.Zip(packed, (a, b) => Math.Pow(a - b, 2)).Sum() / together.Sum(a => a * a)),
            0,
            1e-5
        );
    }

    [Fact]
    public void Train_OneTimesEight_EqualsEightTimesOne()
    {
        TrainingSettings oneStep = Settings with { Dropout = 0, BatchSize = 8, Epochs = 3, WarmupSteps = 1 };

        float[] together = Train(oneStep, rows: 8).Values;
        float[] accumulated = Train(oneStep with { BatchSize = 1, GradientAccumulation = 8 }, rows: 8).Values;

        double difference = Math.Sqrt(
            together.Zip(accumulated, (a, b) => Math.Pow(a - b, 2)).Sum() / together.Sum(a => a * a)
        );
        Assert.InRange(difference, 0, 1e-5);
    }

    [Fact]
    public void Train_ManySteps_LeavesNoTensorBehind()
    {
        Train(Settings);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Train(Settings with { Epochs = 4 });

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
