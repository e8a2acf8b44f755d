using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training;
using Pipeline.Training.Stepping;

namespace Pipeline.GpuWorker.Tests.Training;

/// <summary>Training of a small adapter on the CPU: a dozen steps on rows that repeat themselves.</summary>
internal static class SmallTraining
{
    public static readonly TrainingSettings Settings = new()
    {
        R = 4,
        Alpha = 8,
        Dropout = 0.1,
        Epochs = 2,
        BatchSize = 4,
        LearningRate = 5e-3,
        WarmupSteps = 2,
        CheckpointSteps = 3,
        Method = TrainingMethod.Lora,
    };

    public static (float[] Values, List<TrainingStep> Steps) Train(
        TrainingSettings settings,
        string? checkpoints = null,
        int stopAfter = int.MaxValue,
        int rows = 24
    )
    {
        (float[] values, List<TrainingStep> steps, _, _) = TrainAll(settings, checkpoints, stopAfter, rows);
        return (values, steps);
    }

    public static (
        float[] Values,
        List<TrainingStep> Steps,
        List<(int Step, double Loss)> Validations,
        TrainingOutcome? Outcome
    ) TrainAll(TrainingSettings settings, string? checkpoints = null, int stopAfter = int.MaxValue, int rows = 24)
    {
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
        model.Attach(adapter.Pairs);
        using var stop = new StoppedRun(stopAfter);
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
            OnValidation = (step, loss) => validations.Add((step, loss)),
            OnStep = stop.Add,
        };
        TrainingOutcome? outcome = stop.Train(run);
        using var values = adapter.Values.data<float>();
        return (values.ToArray(), stop.Steps, validations, outcome);
    }
}
