using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Training;
using Pipeline.Training.Batching;
using Pipeline.Training.Optimization;
using TorchSharp;

namespace Pipeline.GpuWorker.Tests.Training;

public sealed class TrainingLoopTests
{
    private static readonly TrainingSettings Settings = new()
    {
        R = 4,
        Alpha = 8,
        Dropout = 0.1,
        Epochs = 2,
        BatchSize = 4,
        LearningRate = 5e-3,
        WarmupSteps = 2,
        CheckpointSteps = 3,
        Method = TrainingSettings.Lora,
    };

    private static (float[] Values, List<TrainingStep> Steps) Train(
        TrainingSettings settings,
        string? checkpoints = null,
        int stopAfter = int.MaxValue,
        int rows = 24
    )
    {
        (float[] values, List<TrainingStep> steps, _, _) = TrainAll(settings, checkpoints, stopAfter, rows);
        return (values, steps);
    }

    private static (
        float[] Values,
        List<TrainingStep> Steps,
        List<(int Step, double Loss)> Validations,
        TrainingOutcome? Outcome
    ) TrainAll(TrainingSettings settings, string? checkpoints = null, int stopAfter = int.MaxValue, int rows = 24)
    {
        TrainingOutcome? outcome = null;
        var validations = new List<(int, double)>();
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter adapter = LoraAdapter.Create(
            model,
            new LoraOptions(settings.R, settings.Alpha, settings.Dropout)
            {
                UseRslora = settings.Rslora,
                UseDora = settings.Dora,
            },
            settings.Seed
        );
        model.Attach(adapter);
        using var stop = new CancellationTokenSource();
        var steps = new List<TrainingStep>();
        var run = new TrainingRun
        {
            Model = model,
            Trained = adapter,
            Rows = SmallRows.Of(rows),
            ValidationRows = SmallRows.Of(4),
            Settings = settings,
            CheckpointDirectory = checkpoints,
            OnValidation = (step, loss) => validations.Add((step, loss)),
            OnStep = s =>
            {
                steps.Add(s);
                if (s.Step == stopAfter)
                {
                    stop.Cancel();
                }
            },
        };
        try
        {
            outcome = TrainingLoop.Train(run, stop.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.NotEqual(int.MaxValue, stopAfter);
        }

        using var values = adapter.Values.data<float>();
        return (values.ToArray(), steps, validations, outcome);
    }

    [Fact]
    public void Train_SameSeedTwice_GivesTheSameBytes() => Assert.Equal(Train(Settings).Values, Train(Settings).Values);

    [Fact]
    public void Train_StoppedAndResumed_EqualsTheUnbrokenRun()
    {
        using var folder = new TemporaryFolder();
        (float[] unbroken, List<TrainingStep> all) = Train(Settings);

        (_, List<TrainingStep> before) = Train(Settings, folder.Path, stopAfter: 5);
        (float[] resumed, List<TrainingStep> after) = Train(Settings, folder.Path);

        Assert.Equal(5, before.Count);
        Assert.Equal(6, after[0].Step);
        Assert.Equal(unbroken, resumed);
        Assert.Equal(all.Select(s => s.Loss), before.Concat(after).Select(s => s.Loss));
        Assert.Equal(all[^1].Tokens, after[^1].Tokens);
    }

    [Theory]
    [InlineData(false, 0.0, null)]
    [InlineData(false, 5.0, 40)]
    [InlineData(true, 0.0, null)]
    [InlineData(false, 0.0, null, TrainingSettings.AdamW8Bit)]
    public void Train_EachMethodStoppedAndResumed_EqualsTheUnbrokenRun(
        bool dora,
        double noise,
        int? packTokens,
        string optimizer = TrainingSettings.AdamW
    )
    {
        using var folder = new TemporaryFolder();
        TrainingSettings settings = Settings with
        {
            Dora = dora,
            R = 64,
            Optimizer = optimizer,
            NeftuneAlpha = noise,
            PackTokens = packTokens,
            EvaluationSteps = 2,
            KeepBest = true,
        };
        (float[] unbroken, List<TrainingStep> all) = Train(settings);

        (_, List<TrainingStep> before) = Train(settings, folder.Path, stopAfter: 5);
        (float[] resumed, List<TrainingStep> after) = Train(settings, folder.Path);

        Assert.Equal(unbroken, resumed);
        Assert.Equal(all.Select(s => s.Loss), before.Concat(after).Select(s => s.Loss));
    }

    /// <summary>Moments in 8 bits are a little off, and only that.</summary>
    [Fact]
    public void Train_WithMomentsIn8Bits_LearnsAsMuch()
    {
        TrainingSettings settings = Settings with { R = 64, Epochs = 10 };
        (float[] exact, List<TrainingStep> all) = Train(settings);

        (float[] coded, List<TrainingStep> steps) = Train(settings with { Optimizer = TrainingSettings.AdamW8Bit });

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
            Schedule = TrainingSettings.Constant,
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

    [Theory]
    [InlineData("packTokens")]
    [InlineData("keepBest")]
    [InlineData("memory")]
    public void Train_SettingsThatContradictEachOther_FailBeforeAnyStep(string named)
    {
        TrainingSettings settings = named switch
        {
            "packTokens" => Settings with { PackTokens = 8 },
            "memory" => Settings with { Memory = "small" },
            _ => Settings with { KeepBest = true },
        };
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter adapter = LoraAdapter.Create(model, new LoraOptions(4, 8, 0) { UseDora = settings.Dora }, 1);
        model.Attach(adapter);
        var run = new TrainingRun
        {
            Model = model,
            Trained = adapter,
            Rows = SmallRows.Of(8),
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
            Rows = SmallRows.Of(8),
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
    public void Train_CheckpointOfOtherSettings_StartsAnew()
    {
        using var folder = new TemporaryFolder();
        Train(Settings, folder.Path, stopAfter: 5);

        (_, List<TrainingStep> steps) = Train(Settings with { LearningRate = 1e-3 }, folder.Path);

        Assert.Equal(1, steps[0].Step);
    }

    /// <summary>The same rows and settings on other weights, or with another mask, are another run.</summary>
    [Fact]
    public void Fingerprint_OtherBaseMaskOrValidationRows_IsAnotherRun()
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
            Rows = SmallRows.Of(8),
            ValidationRows = SmallRows.Of(2),
            Settings = Settings,
        };

        string[] fingerprints =
        [
            run.Fingerprint(),
            (run with { Model = quantized }).Fingerprint(),
            (run with { ValidationRows = SmallRows.Of(3) }).Fingerprint(),
            (
                run with
                {
                    Rows = [.. SmallRows.Of(8).Select(r => r with { LossMask = [.. r.LossMask.Select(_ => (byte)1)] })],
                }
            ).Fingerprint(),
        ];

        Assert.Equal(4, fingerprints.Distinct().Count());
        Assert.Equal(fingerprints[0], run.Fingerprint());
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

    [Fact]
    public void Epoch_Plan_TakesEveryRowOnceInAnOrderOfItsOwn()
    {
        int[] lengths = [.. Enumerable.Range(0, 103).Select(i => (i * 37) % 50)];

        List<int> first = [.. BatchPlan.Epoch(lengths, 8, 1, 0).SelectMany(b => b)];
        List<int> second = [.. BatchPlan.Epoch(lengths, 8, 1, 1).SelectMany(b => b)];

        Assert.Equal(Enumerable.Range(0, 103), first.Order());
        Assert.NotEqual(first, second);
        Assert.Equal(first, BatchPlan.Epoch(lengths, 8, 1, 0).SelectMany(b => b));
    }

    [Theory]
    [InlineData("constant", 0, 0.0)]
    [InlineData("constant", 5, 0.5)]
    [InlineData("constant", 60, 1.0)]
    [InlineData("linear", 55, 0.5)]
    [InlineData("cosine", 55, 0.5)]
    [InlineData("cosine", 100, 0.0)]
    public void Rate_Schedules_FollowTheReference(string schedule, int step, double expected) =>
        Assert.Equal(expected, LearningRateSchedule.Rate(schedule, 1, step, 10, 100), 1e-12);

    [Fact]
    public void Attach_Folded_AnswersAsUnfolded()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        using IDisposable frozen = torch.no_grad();
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Nf4);
        using LoraAdapter adapter = PeftAdapterFiles.Read(RepositoryFiles.At("tests", "Golden", "qlora_llama2"), model);
        torch.Tensor ids = torch.arange(1, 33, dtype: torch.ScalarType.Int64).unsqueeze(0);
        torch.Tensor bare = model.Logits(model.Forward(ids));

        model.Attach(adapter);
        torch.Tensor attached = model.Logits(model.Forward(ids));
        model.Attach(adapter, folded: true);
        torch.Tensor folded = model.Logits(model.Forward(ids));
        model.Attach(null);
        torch.Tensor off = model.Logits(model.Forward(ids));

        Assert.InRange(folded.sub(attached).abs().max().item<float>(), 0, 1e-4);
        Assert.True(attached.sub(bare).abs().max().item<float>() > 0.1);
        Assert.Equal(0, off.sub(bare).abs().max().item<float>());
    }

    [Fact]
    public void PeftFiles_WrittenAndRead_AreTheSameAdapter()
    {
        using var folder = new TemporaryFolder();
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Full);
        using LoraAdapter reference = PeftAdapterFiles.Read(
            RepositoryFiles.At("tests", "Golden", "lora_llama2"),
            model
        );

        PeftAdapterFiles.Write(folder.Path, reference, "llama2");

        using LoraAdapter read = PeftAdapterFiles.Read(folder.Path, model);
        using SafetensorsFile ours = SafetensorsFile.Open(Path.Combine(folder.Path, "adapter_model.safetensors"));
        using SafetensorsFile theirs = SafetensorsFile.Open(
            RepositoryFiles.At("tests", "Golden", "lora_llama2", "adapter_model.safetensors")
        );
        Assert.Equal(reference.Values.data<float>().ToArray(), read.Values.data<float>().ToArray());
        Assert.Equal(
            theirs
                .Entries.Values.OrderBy(e => e.Name, StringComparer.Ordinal)
                .Select(e => $"{e.Name} {e.Dtype} {string.Join(',', e.Shape)}"),
            ours.Entries.Values.OrderBy(e => e.Name, StringComparer.Ordinal)
                .Select(e => $"{e.Name} {e.Dtype} {string.Join(',', e.Shape)}")
        );
    }
}
