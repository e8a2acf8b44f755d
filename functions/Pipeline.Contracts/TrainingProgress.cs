namespace Pipeline.Contracts;

/// <summary>One line of <c>jobs/{runId}/progress.jsonl</c>.</summary>
public sealed record TrainingProgress
{
    /// <summary><c>load</c>, <c>evaluate-base</c>, <c>train</c>, <c>evaluate-tuned</c>, <c>publish</c>.</summary>
    public required RunStage Stage { get; init; }

    /// <summary>When the line was written, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Units done in this stage (optimizer steps or rows) of <see cref="Total"/>.</summary>
    public int Done { get; init; }
    public int Total { get; init; }

    /// <summary>What there is to say of the stage: by what training is computed.</summary>
    public string? Note { get; init; }

    /// <summary>Mean loss a supervised token of the last step, nats.</summary>
    public double? Loss { get; init; }

    /// <summary>Gradient norm before clipping.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>The learning rate of the last step.</summary>
    public double? LearningRate { get; init; }

    /// <summary>Tokens (padding not counted) a second over the stage so far.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Mean loss a supervised token on the validation rows, nats.</summary>
    public double? ValidationLoss { get; init; }
}
