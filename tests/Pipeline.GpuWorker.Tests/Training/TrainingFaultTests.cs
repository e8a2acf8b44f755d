using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training;
using Pipeline.Training.Faults;
using Pipeline.Training.Stepping;
using static Pipeline.GpuWorker.Tests.Training.SmallTraining;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>What cannot be learned stops early and says why.</summary>
public sealed class TrainingFaultTests
{
    [Theory]
    [InlineData("packTokens")]
    [InlineData("keepBest")]
    [InlineData("activationCheckpointing")]
    public void Train_SettingsThatContradictEachOther_FailBeforeAnyStep(string named)
    {
        TrainingSettings settings = named switch
        {
            "packTokens" => Settings with { PackTokens = 8 },
            "activationCheckpointing" => Settings with { ActivationCheckpointing = (ActivationCheckpointing)99 },
            _ => Settings with { KeepBest = true },
        };
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(4, 8, 0) { UseDora = settings.Dora }, 1);
        model.Attach(adapter.Pairs);
        var run = new TrainingRun
        {
            Model = model,
            Trained = adapter,
            Rows = SmallRows.Create(8),
            ValidationRows = [],
            Settings = settings,
            OnStep = _ => Assert.Fail("a step was made"),
        };

        Assert.Contains(
            named,
            Assert
                .Throws<TrainingException>(() => TrainingLoop.Train(run, TestContext.Current.CancellationToken))
                .Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>An adapter that is not on the model: the loss falls nowhere, and the first step says so.</summary>
    [Fact]
    public void Train_AdapterThatIsNotAttached_StopsAfterTheFirstStep()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(4, 8, 0), 1);
        var run = new TrainingRun
        {
            Model = model,
            Trained = adapter,
            Rows = SmallRows.Create(8),
            ValidationRows = [],
            Settings = Settings,
        };

        Assert.Contains(
            "did not move",
            Assert
                .Throws<TrainingException>(() => TrainingLoop.Train(run, TestContext.Current.CancellationToken))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Train_LossThatIsNoNumber_NamesTheRows()
    {
        using var folder = new TemporaryFolder();
        TrainingException fault = Assert.Throws<TrainingException>(() =>
            Train(Settings with { LearningRate = 1, ClipNorm = 1e6, Alpha = 1e30, WarmupSteps = 0 }, folder.Path)
        );

        Assert.Contains("the step's rows are r", fault.Message, StringComparison.Ordinal);
        var failed = System.Text.Json.Nodes.JsonNode.Parse(
            File.ReadAllText(Path.Combine(folder.Path, FailedStep.FileName))
        )!;
        Assert.Equal(4, failed["rows"]!.AsArray().Count);
    }
}
