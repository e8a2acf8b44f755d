namespace Pipeline.Contracts;

/// <summary>Method and hyper-parameters. Names in files are the field's own (<c>r</c>, <c>alpha</c>, …).</summary>
public sealed record TrainingSettings
{
    public const string Lora = "lora";
    public const string Qlora = "qlora";
    public const string Full = "full";
    public const string Cosine = "cosine";
    public const string Linear = "linear";
    public const string Constant = "constant";
    public const string AllLinear = "all-linear";
    public const string AdamW = "adamw";
    public const string AdamW8Bit = "adamw8bit";
    public const string AutoMemory = "auto";

    /// <summary>
    /// <c>qlora</c> (default): the frozen linear layers are held in NF4 with double quantisation; <c>lora</c>: as they
    /// are; <c>full</c>: no adapter, every weight of a small base is trained, in float32, by plain autograd, and
    /// published as a model of its own.
    /// </summary>
    public string Method { get; init; } = Qlora;

    /// <summary>LoRA rank r, 1 to 1,024; default 16. More learns more and costs memory in proportion.</summary>
    public int R { get; init; } = 16;

    /// <summary>LoRA alpha, above 0; default 32. The update is scaled by alpha / r.</summary>
    public double Alpha { get; init; } = 32;

    /// <summary>Dropout on the adapter's input, 0 to below 1; default 0.05.</summary>
    public double Dropout { get; init; } = 0.05;

    /// <summary>
    /// rsLoRA (Kalajdzievski 2023): the update is scaled by alpha / sqrt(r), so that a large r keeps its size; default
    /// false.
    /// </summary>
    public bool Rslora { get; init; }

    /// <summary>
    /// DoRA (Liu et al. 2024): the size of each output is learned apart from its direction; default false. Trains by
    /// plain autograd, several times slower on the CPU.
    /// </summary>
    public bool Dora { get; init; }

    /// <summary>
    /// Linear layers that get matrices: <c>all-linear</c> (default; all but the head), or names such as <c>q_proj</c>.
    /// Fewer learn less and cost less.
    /// </summary>
    public IReadOnlyList<string> Targets { get; init; } = [AllLinear];

    /// <summary>
    /// NEFTune (Jain et al. 2023): uniform noise on the embeddings in training, of this alpha / sqrt(tokens · hidden)
    /// at most; 0 to 100; 0 (default): none. 5 is the paper's usual one.
    /// </summary>
    public double NeftuneAlpha { get; init; }

    /// <summary>Passes over the training rows, 1 to 100; default 3.</summary>
    public int Epochs { get; init; } = 3;

    /// <summary>Rows a micro-batch, 1 to 1,024; default 16. Not used with <see cref="PackTokens"/>.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>
    /// Tokens a micro-batch, 16 to 1,048,576: rows are packed until no more fit, none seeing another; <c>null</c>
    /// (default): <see cref="BatchSize"/> rows each. Evens out the work where rows differ in length.
    /// </summary>
    public int? PackTokens { get; init; }

    /// <summary>
    /// Micro-batches an optimizer step, 1 to 1,024; default 1. The loss is the mean over the whole step's supervised
    /// tokens.
    /// </summary>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>
    /// Peak learning rate, above 0 to 1; <c>null</c> (default): by the base's size, see <see cref="LearningRateFor"/>.
    /// </summary>
    public double? LearningRate { get; init; }

    /// <summary><c>cosine</c> (default), <c>linear</c> or <c>constant</c>, each after the warm-up.</summary>
    public string Schedule { get; init; } = Cosine;

    /// <summary>Optimizer steps of linear warm-up from 0, 0 to 100,000; default 20.</summary>
    public int WarmupSteps { get; init; } = 20;

    /// <summary>
    /// <c>adamw</c> (default): moments in float32, as torch computes it; <c>adamw8bit</c>: in 8 bits as bitsandbytes
    /// does, two bytes a trained number instead of eight.
    /// </summary>
    public string Optimizer { get; init; } = AdamW;

    /// <summary>
    /// On a GPU: what is saved in the forward pass for the backward pass. <c>auto</c> (default): as much as fits;
    /// <c>offload</c>: each layer's input in the host's memory, the layer is computed again, embeddings stay there too;
    /// <c>lean</c>: the same on the GPU; <c>balanced</c>: what products and attention gave; <c>fast</c>: what the norms
    /// gave besides. Changes speed and memory, no number.
    /// </summary>
    public string Memory { get; init; } = AutoMemory;

    /// <summary>AdamW's decoupled weight decay, 0 to 1; default 0.01.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Global gradient norm above which gradients are scaled down; above 0; default 1.</summary>
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>Seed of the adapter's initial values, the order of rows and dropout; default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Optimizer steps between checkpoints, 1 to 100,000; default 50.</summary>
    public int CheckpointSteps { get; init; } = 50;

    /// <summary>
    /// Optimizer steps between validations, 1 to 100,000; <c>null</c> (default): at the end of each epoch.
    /// </summary>
    public int? EvaluationSteps { get; init; }

    /// <summary>
    /// Ends training after this many validations in a row without a lower loss, 1 to 1,000; <c>null</c> (default):
    /// never. Implies <see cref="KeepBest"/>.
    /// </summary>
    public int? EarlyStopping { get; init; }

    /// <summary>
    /// Publishes the adapter as it was at the lowest validation loss, not as it was at the end; default false.
    /// </summary>
    public bool KeepBest { get; init; }

    /// <summary>
    /// The rate that applies to a base: <see cref="LearningRate"/> when said, else 2e-4 (Dettmers et al. 2023, table 9,
    /// for 7B and 13B) or, for bases narrower than 1,024, 2e-3 (measured on tiny-llama-chat). Full training: 2e-5
    /// (Touvron et al. 2023, "Llama 2", section 3.1), narrow bases 5e-4 (measured likewise).
    /// </summary>
    public double LearningRateFor(int hiddenSize) =>
        LearningRate
        ?? (Method == Full, hiddenSize < 1024) switch
        {
            (true, true) => 5e-4,
            (true, false) => 2e-5,
            (false, true) => 2e-3,
            (false, false) => 2e-4,
        };
}
