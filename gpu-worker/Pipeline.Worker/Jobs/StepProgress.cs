using Pipeline.Contracts;
using Pipeline.Training.Stepping;

namespace Pipeline.Worker.Jobs;

/// <summary>Steps and validations of a training as lines of progress.</summary>
internal sealed class StepProgress(ProgressLog progress)
{
    private TrainingStep? _last;

    /// <summary>Reports by what training is computed.</summary>
    public void OnEngine(string engine) =>
        progress.Report(
            new TrainingProgress
            {
                Stage = RunStage.Train,
                At = progress.Now(),
                Note = $"computed by {engine}",
            }
        );

    /// <summary>Reports a step.</summary>
    public void OnStep(TrainingStep step)
    {
        _last = step;
        progress.Report(
            new TrainingProgress
            {
                Stage = RunStage.Train,
                At = progress.Now(),
                Done = step.Step,
                Total = step.Total,
                Loss = step.Loss,
                GradientNorm = step.GradientNorm,
                LearningRate = step.LearningRate,
                TokensPerSecond = step.TokensPerSecond,
            }
        );
    }

    /// <summary>Reports the validation loss after a step.</summary>
    public void OnValidation(int step, double loss) =>
        progress.Report(
            new TrainingProgress
            {
                Stage = RunStage.Train,
                At = progress.Now(),
                Done = step,
                Total = _last?.Total ?? step,
                ValidationLoss = loss,
                TokensPerSecond = _last?.TokensPerSecond,
            }
        );
}
