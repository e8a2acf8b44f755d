namespace Pipeline.Training.Stepping;

/// <summary>What one optimizer step came to.</summary>
/// <param name="Step">From 1.</param>
/// <param name="Total">Steps of the whole run.</param>
/// <param name="Loss">Mean nats per supervised token over the whole step.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="Tokens">Tokens seen so far, padding not counted.</param>
/// <param name="TokensPerSecond">Since this process began to train.</param>
public sealed record TrainingStep(
    int Step,
    int Total,
    double Loss,
    double GradientNorm,
    double LearningRate,
    long Tokens,
    double TokensPerSecond
);
