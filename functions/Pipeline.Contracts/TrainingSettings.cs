namespace Pipeline.Contracts;

/// <summary>Method and hyper-parameters. Names in files are the field's own (<c>r</c>, <c>alpha</c>, …).</summary>
public sealed record TrainingSettings
{
    public const string Lora = "lora";
    public const string Qlora = "qlora";
    public const string Cosine = "cosine";
    public const string Linear = "linear";
    public const string Constant = "constant";

    /// <summary><c>qlora</c> (default): the frozen linear layers are held in NF4 with double quantisation; <c>lora</c>: as they are.</summary>
    public string Method { get; init; } = Qlora;

    /// <summary>LoRA rank r, 1 to 1,024; default 16. More learns more and costs memory in proportion.</summary>
    public int R { get; init; } = 16;

    /// <summary>LoRA alpha, above 0; default 32. The update is scaled by alpha / r.</summary>
    public double Alpha { get; init; } = 32;

    /// <summary>Dropout on the adapter's input, 0 to below 1; default 0.05.</summary>
    public double Dropout { get; init; } = 0.05;

    /// <summary>Passes over the training rows, 1 to 100; default 3.</summary>
    public int Epochs { get; init; } = 3;

    /// <summary>Rows a micro-batch, 1 to 1,024; default 16.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Micro-batches an optimizer step, 1 to 1,024; default 1. The loss is the mean over the whole step's supervised tokens.</summary>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>Peak learning rate, above 0 to 1; <c>null</c> (default): by the base's size, see <see cref="LearningRateFor"/>.</summary>
    public double? LearningRate { get; init; }

    /// <summary><c>cosine</c> (default), <c>linear</c> or <c>constant</c>, each after the warm-up.</summary>
    public string Schedule { get; init; } = Cosine;

    /// <summary>Optimizer steps of linear warm-up from 0, 0 to 100,000; default 20.</summary>
    public int WarmupSteps { get; init; } = 20;

    /// <summary>AdamW's decoupled weight decay, 0 to 1; default 0.01.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Global gradient norm above which gradients are scaled down; above 0; default 1.</summary>
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>Seed of the adapter's initial values, the order of rows and dropout; default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Optimizer steps between checkpoints, 1 to 100,000; default 50.</summary>
    public int CheckpointSteps { get; init; } = 50;

    /// <summary>
    /// The rate that applies to a base: <see cref="LearningRate"/> when said, else 2e-4 (Dettmers et al. 2023, table 9, for 7B and
    /// 13B) or, for bases narrower than 1,024, 2e-3 (measured on tiny-llama-chat).
    /// </summary>
    public double LearningRateFor(int hiddenSize) => LearningRate ?? (hiddenSize < 1024 ? 2e-3 : 2e-4);
}
