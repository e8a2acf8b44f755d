using Pipeline.Contracts;
using Pipeline.GpuWorker.Tests.Model.Gpu;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;
using Pipeline.Training.Stepping;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>
/// Whole runs by a GPU's kernels, which run on the host here: they learn what the CPU's runs learn, stop and go on like
/// them, and fail like them.
/// </summary>
public sealed class AcceleratedTrainingTests
{
    private static readonly TrainingSettings Settings = SmallTraining.Settings with
    {
        Dropout = 0,
        Method = TrainingMethod.Qlora,
    };

    /// <summary>Trains by the kernels in some numbers, or with none on the CPU.</summary>
    private static (float[] Values, List<TrainingStep> Steps, List<double> Validations, string Engine) Train(
        TrainingSettings settings,
        ScalarType? real,
        string? checkpoints = null,
        int stopAfter = int.MaxValue,
        int rows = 16,
        long freeBytes = 64L << 30
    )
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Nf4);
        using LoraAdapter adapter = LoraAdapter.Create(
            model,
            new LoraOptions(settings.R, settings.Alpha, settings.Dropout),
            settings.Seed
        );
        using Accelerator? gpu = real is { } numbers ? HostKernels.Accelerator(numbers, freeBytes) : null;
        using AcceleratedModel? accelerated = gpu is null ? null : new AcceleratedModel(model, gpu);
        if (accelerated is null)
        {
            model.Attach(adapter.Pairs);
        }

        using var stop = new StoppedRun(stopAfter);
        (List<double> validations, string engine) = ([], "");
        var run = new TrainingRun
        {
            Model = model,
            Trained = adapter,
            Rows = SmallRows.Create(rows),
            ValidationRows = SmallRows.Create(4),
            // an adapter of a larger alpha than settings may have breaks the loss
            Settings = settings with
            {
                Alpha = Math.Min(settings.Alpha, 65_536),
            },
            CheckpointDirectory = checkpoints,
            Accelerated = accelerated,
            OnEngine = name => engine = name,
            OnValidation = (_, loss) => validations.Add(loss),
            OnStep = stop.Add,
        };
        Assert.Equal(stopAfter != int.MaxValue, stop.Train(run) is null);
        return (adapter.Values.data<float>().ToArray(), stop.Steps, validations, engine);
    }

    private static double Distance(float[] expected, float[] actual) =>
        Math.Sqrt(expected.Zip(actual, (a, b) => Math.Pow(a - b, 2)).Sum() / expected.Sum(a => (double)a * a));

    // Seven micro-batches a step of eight: the last step of each epoch has one.
    public static TheoryData<TrainingSettings> Ways =>
        [
            Settings,
            Settings with
            {
                PackTokens = 30,
                NeftuneAlpha = 5,
                EvaluationSteps = 2,
                KeepBest = true,
            },
            Settings with
            {
                BatchSize = 2,
                GradientAccumulation = 7,
                R = 64,
                Optimizer = OptimizerKind.AdamW8Bit,
            },
            Settings with
            {
                ActivationCheckpointing = ActivationCheckpointing.Full,
                ClipNorm = 0.05,
                WeightDecay = 0.3,
                Schedule = RateSchedule.Linear,
            },
        ];

    [Theory]
    [MemberData(nameof(Ways))]
    public void Train_InFloat32_IsTheCpusRun(TrainingSettings settings)
    {
        (float[] expected, List<TrainingStep> steps, List<double> validations, string engine) = Train(settings, null);

        (float[] actual, List<TrainingStep> others, List<double> otherValidations, string otherEngine) = Train(
            settings,
            ScalarType.Float32
        );

        Assert.Equal(
            steps.Select(s => (s.Step, s.Total, s.LearningRate, s.Tokens)),
            others.Select(s => (s.Step, s.Total, s.LearningRate, s.Tokens))
        );
        Assert.All(steps.Zip(others), p => Assert.Equal(p.First.Loss, p.Second.Loss, 2e-4 * p.First.Loss));
        Assert.All(
            steps.Zip(others),
            p => Assert.Equal(p.First.GradientNorm, p.Second.GradientNorm, 2e-3 * p.First.GradientNorm)
        );
        Assert.All(validations.Zip(otherValidations), p => Assert.Equal(p.First, p.Second, 2e-4 * p.First));
        Assert.Equal(validations.Count, otherValidations.Count);
        Assert.True(Distance(expected, actual) < 1e-3, $"{Distance(expected, actual)}");
        Assert.StartsWith("the CPU, by hand-written derivatives", engine, StringComparison.Ordinal);
        Assert.StartsWith(
            $"the GPU, by its kernels, float32, activation checkpointing {(settings.ActivationCheckpointing == ActivationCheckpointing.Auto ? ActivationCheckpointing.None : settings.ActivationCheckpointing).Name()}: ",
            otherEngine,
            StringComparison.Ordinal
        );
    }

    /// <summary>The numbers of a step that is still computed are neither lost nor told twice.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public void Train_StoppedAndResumed_EqualsTheUnbrokenRun(TrainingSettings settings)
    {
        using var folder = new TemporaryFolder();
        settings = settings with { Dropout = 0.1 };
        (float[] unbroken, List<TrainingStep> all, _, _) = Train(settings, ScalarType.BFloat16);

        (_, List<TrainingStep> before, _, _) = Train(settings, ScalarType.BFloat16, folder.Path, stopAfter: 3);
        (float[] resumed, List<TrainingStep> after, _, _) = Train(
            settings with
            {
                ActivationCheckpointing = ActivationCheckpointing.Selective,
            },
            ScalarType.BFloat16,
            folder.Path
        );

        Assert.Equal(unbroken, resumed);
        Assert.Equal(all.Select(s => (s.Step, s.Loss)), before.Concat(after).Select(s => (s.Step, s.Loss)));
    }

    /// <summary>A run that began on the CPU goes on on a GPU, and the other way round.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Train_ResumedElsewhere_GoesOnFromTheCheckpoint(bool beganOnTheCpu)
    {
        using var folder = new TemporaryFolder();
        (float[] unbroken, _, _, _) = Train(Settings, null);

        (_, List<TrainingStep> before, _, _) = Train(
            Settings,
            beganOnTheCpu ? null : ScalarType.Float32,
            folder.Path,
            stopAfter: 3
        );
        (float[] resumed, List<TrainingStep> after, _, _) = Train(
            Settings,
            beganOnTheCpu ? ScalarType.Float32 : null,
            folder.Path
        );

        Assert.Equal(before[^1].Step + 1, after[0].Step);
        Assert.True(Distance(unbroken, resumed) < 1e-3);
    }

    /// <summary>Fifty steps on the same rows: bfloat16 learns them as float32 does.</summary>
    [Fact]
    [Trait("Tier", "Slow")]
    public void Train_FiftyStepsInBfloat16_FollowTheReference()
    {
        TrainingSettings settings = Settings with { Epochs = 50, BatchSize = 8, LearningRate = 4e-3 };

        List<TrainingStep> expected = Train(settings, null, rows: 8).Steps,
            actual = Train(settings, ScalarType.BFloat16, rows: 8).Steps;

        Assert.Equal(50, actual.Count);
        Assert.True(expected[^1].Loss < 0.8 * expected[0].Loss, $"{expected[0].Loss} to {expected[^1].Loss}");
        double worst = expected.Zip(actual).Max(p => Math.Abs(p.First.Loss - p.Second.Loss) / p.First.Loss);
        Assert.True(worst < 0.01, $"{worst}, {expected[0].Loss} to {expected[^1].Loss}");
    }

    /// <summary>One step later than on the CPU, since the host runs ahead, but with the step's own rows.</summary>
    [Fact]
    public void Train_LossThatIsNoNumber_NamesTheRows()
    {
        using var folder = new TemporaryFolder();
        TrainingSettings settings = Settings with { LearningRate = 1, ClipNorm = 1e6, Alpha = 1e30, WarmupSteps = 0 };
        TrainingException fault = Assert.Throws<TrainingException>(() =>
            Train(settings, ScalarType.BFloat16, folder.Path)
        );

        Assert.Contains("the step's rows are r", fault.Message, StringComparison.Ordinal);
        var failed = System.Text.Json.Nodes.JsonNode.Parse(
            File.ReadAllText(Path.Combine(folder.Path, FailedStep.FileName))
        )!;
        Assert.Equal(4, failed["rows"]!.AsArray().Count);
        Assert.False(File.Exists(Path.Combine(folder.Path, "checkpoint.safetensors")));
    }

    [Fact]
    public void Train_TooLittleMemory_SaysWhatToChange()
    {
        TrainingException fault = Assert.Throws<TrainingException>(() =>
            Train(Settings, ScalarType.BFloat16, freeBytes: 100L << 20)
        );

        Assert.StartsWith(
            "Even training.activationCheckpointing offload needs ",
            fault.Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "the GPU has 0.1 GiB free. Lower training.packTokens or training.batchSize",
            fault.Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>Between full and selective, full is what fits.</summary>
    [Fact]
    public void Train_MemoryForSome_TakesTheFastestThatFits()
    {
        using LlamaModel model = LlamaModel.Load(RepositoryFiles.At("tests", "Golden", "llama2"), WeightStorage.Nf4);
        var plan = new StepPlan(SmallRows.Create(16), Settings);
        long Needed(ActivationCheckpointing way) =>
            TrainingMemory.OnGpu(model.Config.Shape, Settings, plan.MaxSlots, way).TotalBytes;

        Assert.Contains(
            "activation checkpointing full:",
            Train(Settings, ScalarType.BFloat16, freeBytes: Needed(ActivationCheckpointing.Selective) - 1).Engine,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "activation checkpointing selective:",
            Train(Settings, ScalarType.BFloat16, freeBytes: Needed(ActivationCheckpointing.Selective)).Engine,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Train_ManySteps_LeavesNoTensorBehind()
    {
        Train(Settings, ScalarType.BFloat16);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Train(
            Settings with
            {
                BatchSize = 2,
                GradientAccumulation = 2,
                NeftuneAlpha = 1,
                Optimizer = OptimizerKind.AdamW8Bit,
            },
            ScalarType.BFloat16
        );

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }
}
