using Pipeline.Contracts;
using Pipeline.Model;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;
using Pipeline.Training.Objectives;
using Pipeline.Training.Stepping;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>Training of every weight.</summary>
public sealed class FullTrainingTests
{
    private static readonly TrainingSettings Settings = new()
    {
        Method = TrainingMethod.Full,
        Epochs = 2,
        BatchSize = 4,
        LearningRate = 2e-3,
        Schedule = RateSchedule.Constant,
        WarmupSteps = 0,
        WeightDecay = 0.1,
        ClipNorm = 0.5,
        CheckpointSteps = 3,
    };

    private static EncodedRow[] Rows() =>
        [
            .. Enumerable
                .Range(0, 24)
                .Select(i => new EncodedRow(
                    $"r{i}",
                    [1, .. Enumerable.Range(0, 4 + (i % 5)).Select(k => 3 + (((i * 7) + (k * 13)) % 250)), 2],
                    [0, 0, 0, .. Enumerable.Repeat((byte)1, 3 + (i % 5))]
                )),
        ];

    private static (Dictionary<string, float[]> Values, List<double> Losses) Train(
        string golden,
        TrainingSettings settings,
        string? checkpoints = null,
        int stopAfter = int.MaxValue
    )
    {
        string folder = RepositoryFiles.At("tests", "Golden", golden);
        using LlamaModel model = LlamaModel.Load(folder, WeightStorage.Full);
        using FullWeights weights = FullWeights.From(model, folder);
        using var stop = new StoppedRun(stopAfter);
        var run = new TrainingRun
        {
            Model = model,
            Trained = weights,
            Rows = Rows(),
            ValidationRows = [],
            Settings = settings,
            CheckpointDirectory = checkpoints,
            OnStep = stop.Add,
        };
        stop.Train(run);
        return (
            weights.Tensors.ToDictionary(t => t.Name, t => t.Value.data<float>().ToArray()),
            [.. stop.Steps.Select(s => s.Loss)]
        );
    }

    /// <summary>
    /// The same steps by torch's own optimizer and clipping over separate tensors, decay on matrices alone.
    /// </summary>
    [Theory]
    [InlineData("llama2")]
    [InlineData("qwen2")] // biases; tied embeddings
    public void Train_EveryWeight_MatchesTorchsOwnOptimizer(string golden)
    {
        string folder = RepositoryFiles.At("tests", "Golden", golden);
        using LlamaModel model = LlamaModel.Load(folder, WeightStorage.Full);
        using FullWeights weights = FullWeights.From(model, folder);
        var parameters = weights
            .Tensors.Select(t => (t.Name, Value: new TorchSharp.Modules.Parameter(t.Value.detach())))
            .ToList();
        List<double> losses = TrainWithTorch(model, weights, parameters);

        (Dictionary<string, float[]> values, List<double> ours) = Train(golden, Settings);

        Assert.Equal(losses.Count, ours.Count);
        Assert.All(losses.Zip(ours), p => Assert.Equal(p.First, p.Second, 1e-5 * p.First));
        Assert.All(
            parameters,
            p =>
                Assert.Equal(
                    0,
                    tensor(values[p.Name]).sub(p.Value.reshape(-1)).norm().item<float>() / p.Value.norm().item<float>(),
                    1e-4
                )
        );
        Assert.True(ours[^1] < 0.8 * ours[0], $"{ours[0]} to {ours[^1]}");
    }

    private static List<double> TrainWithTorch(
        LlamaModel model,
        FullWeights weights,
        IReadOnlyList<(string Name, TorchSharp.Modules.Parameter Value)> parameters
    )
    {
        var losses = new List<double>();
        using TorchSharp.Modules.AdamW optimizer = TorchOptimizer(parameters);
        var plan = new StepPlan(Rows(), Settings);
        for (int step = 0; step < plan.Count; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            EncodedRow[] rows = [.. plan.Batches(step)[0].Select(i => Rows()[i])];
            using MicroBatch batch = MicroBatch.From(rows);
            weights.Gradients.zero_();
            Tensor loss = CompletionLoss.Sum(model, batch, null).div(rows.Sum(r => r.SupervisedTokens));
            loss.backward();
            losses.Add(loss.item<float>());
            foreach ((string name, TorchSharp.Modules.Parameter value) in parameters)
            {
                value.grad = weights.Tensors.First(t => t.Name == name).Value.grad;
            }

            nn.utils.clip_grad_norm_(parameters.Select(p => p.Value), 0.5);
            optimizer.step();
        }

        return losses;
    }

    private static TorchSharp.Modules.AdamW TorchOptimizer(
        IReadOnlyList<(string Name, TorchSharp.Modules.Parameter Value)> parameters
    )
    {
        ILookup<bool, TorchSharp.Modules.Parameter> byDecay = parameters.ToLookup(
            p =>
                !p.Name.EndsWith("norm.weight", StringComparison.Ordinal)
                && !p.Name.EndsWith(".bias", StringComparison.Ordinal),
            p => p.Value
        );
        return optim.AdamW([
            new TorchSharp.Modules.AdamW.ParamGroup(byDecay[true], lr: 2e-3, weight_decay: 0.1),
            new TorchSharp.Modules.AdamW.ParamGroup(byDecay[false], lr: 2e-3, weight_decay: 0),
        ]);
    }

    [Theory]
    [InlineData(OptimizerKind.AdamW)]
    [InlineData(OptimizerKind.AdamW8Bit)]
    public void Train_StoppedAndResumed_EqualsTheUnbrokenRun(OptimizerKind optimizer)
    {
        using var folder = new TemporaryFolder();
        TrainingSettings settings = Settings with { Optimizer = optimizer };
        (Dictionary<string, float[]> unbroken, List<double> all) = Train("llama2", settings);

        (_, List<double> before) = Train("llama2", settings, folder.Path, stopAfter: 5);
        (Dictionary<string, float[]> resumed, List<double> after) = Train("llama2", settings, folder.Path);

        Assert.Equal(all, before.Concat(after));
        Assert.All(unbroken, t => Assert.Equal(t.Value, resumed[t.Key]));
    }

    [Fact]
    public void Of_BaseInNf4_IsRefused()
    {
        string folder = RepositoryFiles.At("tests", "Golden", "llama2");
        using LlamaModel model = LlamaModel.Load(folder, WeightStorage.Nf4);

        Assert.Contains(
            "held in NF4 cannot be trained as a whole",
            Assert.Throws<ModelException>(() => FullWeights.From(model, folder)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Train_FullWithAdapterSettings_FailsBeforeAnyStep() =>
        Assert.Contains(
            "training.dora",
            Assert.Throws<TrainingException>(() => Train("llama2", Settings with { Dora = true })).Message,
            StringComparison.Ordinal
        );

    /// <summary>A first step smaller than a weight's last bit changes nothing yet, which is no fault.</summary>
    [Fact]
    public void Train_TinyFirstLearningRate_IsNotTakenForAFault() =>
        Assert.Equal(
            12,
            Train(
                "llama2",
                Settings with
                {
                    LearningRate = 1e-7,
                    Schedule = RateSchedule.Linear,
                    WarmupSteps = 2,
                }
            ).Losses.Count
        );

    /// <summary>A choice that is none of its own, from a program: one from a file does not get so far.</summary>
    [Theory]
    [InlineData("method")]
    [InlineData("optimizer")]
    [InlineData("schedule")]
    public void Train_ChoiceThatIsNone_FailsBeforeAnyStep(string key)
    {
        TrainingSettings wrong = key switch
        {
            "method" => Settings with { Method = (TrainingMethod)99 },
            "optimizer" => Settings with { Optimizer = (OptimizerKind)99 },
            _ => Settings with { Schedule = (RateSchedule)99 },
        };

        Assert.Contains(
            $"training.{key} is 99; use one of",
            Assert.Throws<TrainingException>(() => Train("llama2", wrong)).Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>A job with a misspelt choice is not read at all, and the message names the place.</summary>
    [Theory]
    [InlineData("method", "FULL")]
    [InlineData("optimizer", "adamw_8bit")]
    [InlineData("schedule", "Cosine")]
    public void Read_ChoiceThatIsMisspelt_IsRefusedByItsPath(string key, string value) =>
        Assert.Contains(
            $"$.{key}",
            Assert
                .Throws<System.Text.Json.JsonException>(() =>
                    ContractJson.Read<TrainingSettings>($$"""{"{{key}}": "{{value}}"}""")
                )
                .Message,
            StringComparison.Ordinal
        );
}
