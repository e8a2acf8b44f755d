using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>Method and hyper-parameters. Names in files are the field's own (<c>r</c>, <c>alpha</c>, …).</summary>
public sealed record TrainingSettings
{
    public const string AllLinear = "all-linear";

    /// <summary>
    /// <c>qlora</c> (default): the frozen linear layers are held in NF4 with double quantisation; <c>lora</c>: as they
    /// are; <c>full</c>: no adapter, every weight of a small base is trained, in float32, by plain autograd, and
    /// published as a model of its own.
    /// </summary>
    [Description("LoRA on an NF4 base, LoRA on the base as it is, or all weights")]
    public TrainingMethod Method { get; init; }

    /// <summary>LoRA rank r, 1 to 1,024; default 16. More learns more and costs memory in proportion.</summary>
    [Range(1, 1024)]
    [Description("LoRA rank")]
    public int R { get; init; } = 16;

    /// <summary>LoRA alpha, above 0; default 32. The update is scaled by alpha / r.</summary>
    [Range(0.0, 65_536.0, MinimumIsExclusive = true)]
    [Description("LoRA alpha; the update is scaled by alpha / r")]
    public double Alpha { get; init; } = 32;

    /// <summary>Dropout on the adapter's input, 0 to below 1; default 0.05.</summary>
    [Range(0.0, 0.99)]
    [Description("dropout on the adapter's input")]
    public double Dropout { get; init; } = 0.05;

    /// <summary>
    /// rsLoRA (Kalajdzievski 2023): the update is scaled by alpha / sqrt(r), so that a large r keeps its size; default
    /// false.
    /// </summary>
    [Description("scale by alpha / sqrt(r) (Kalajdzievski 2023)")]
    public bool Rslora { get; init; }

    /// <summary>
    /// DoRA (Liu et al. 2024): the size of each output is learned apart from its direction; default false. Trains by
    /// plain autograd, several times slower on the CPU.
    /// </summary>
    [Description("DoRA (Liu et al. 2024); plain autograd, several times slower on the CPU")]
    public bool Dora { get; init; }

    /// <summary>
    /// Linear layers that get matrices: <c>all-linear</c> (default; all but the head), or names such as <c>q_proj</c>.
    /// Fewer learn less and cost less.
    /// </summary>
    [Description("linear layers with LoRA; all-linear is all but the head")]
    public IReadOnlyList<string> Targets { get; init; } = [AllLinear];

    /// <summary>
    /// NEFTune (Jain et al. 2023): uniform noise on the embeddings in training, of this alpha / sqrt(tokens · hidden)
    /// at most; 0 to 100; 0 (default): none. 5 is the paper's usual one.
    /// </summary>
    [Range(0.0, 100.0)]
    [Description("NEFTune noise (Jain et al. 2023); 0: none; 5 is the paper's usual one")]
    public double NeftuneAlpha { get; init; }

    /// <summary>Passes over the training rows, 1 to 100; default 3.</summary>
    [Range(1, 100)]
    [Description("passes over the training rows")]
    public int Epochs { get; init; } = 3;

    /// <summary>Rows a micro-batch, 1 to 1,024; default 16. Not used with <see cref="PackTokens"/>.</summary>
    [Range(1, 1024)]
    [Description("rows per micro-batch; not used with packTokens")]
    public int BatchSize { get; init; } = 16;

    /// <summary>
    /// Tokens a micro-batch, 16 to 1,048,576: rows are packed until no more fit, none seeing another; <c>null</c>
    /// (default): <see cref="BatchSize"/> rows each. Evens out the work where rows differ in length.
    /// </summary>
    [Range(16, 1_048_576)]
    [Description("tokens per micro-batch: rows are packed, none attends to another")]
    public int? PackTokens { get; init; }

    /// <summary>
    /// Micro-batches an optimizer step, 1 to 1,024; default 1. The loss is the mean over the whole step's supervised
    /// tokens.
    /// </summary>
    [Range(1, 1024)]
    [Description("micro-batches per optimizer step")]
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>
    /// Peak learning rate, above 0 to 1; <c>null</c> (default): by the base's size, see <see cref="LearningRateFor"/>.
    /// </summary>
    [Range(0.0, 1.0, MinimumIsExclusive = true)]
    [Description("peak learning rate; by default by the base's size")]
    public double? LearningRate { get; init; }

    /// <summary><c>cosine</c> (default), <c>linear</c> or <c>constant</c>, each after the warm-up.</summary>
    [Description("learning rate after the warm-up")]
    public RateSchedule Schedule { get; init; }

    /// <summary>Optimizer steps of linear warm-up from 0, 0 to 100,000; default 20.</summary>
    [Range(0, 100_000)]
    [Description("steps of linear warm-up from 0")]
    public int WarmupSteps { get; init; } = 20;

    /// <summary>
    /// <c>adamw</c> (default): moments in float32, as torch computes it; <c>adamw8bit</c>: in 8 bits as bitsandbytes
    /// does, two bytes a trained number instead of eight.
    /// </summary>
    [Description("moments in float32, or in 8 bits as bitsandbytes has them")]
    public OptimizerKind Optimizer { get; init; }

    /// <summary>
    /// On a GPU: which activations the forward pass saves for the backward pass; default: the most that fit. Changes
    /// speed and memory, no number.
    /// </summary>
    [FormerKey("memory", "offload=offload", "lean=full", "balanced=selective", "fast=none", "auto=auto")]
    [Description("on a GPU: which activations the forward pass saves for the backward pass")]
    public ActivationCheckpointing ActivationCheckpointing { get; init; } = ActivationCheckpointing.Auto;

    /// <summary>
    /// The former name of <see cref="ActivationCheckpointing"/> in stored jobs, read for one version.
    /// </summary>
    [Browsable(false)]
    [JsonPropertyName("memory")]
    public string? FormerMemory
    {
        get => null;
        init =>
            ActivationCheckpointing = value switch
            {
                "offload" => ActivationCheckpointing.Offload,
                "lean" => ActivationCheckpointing.Full,
                "balanced" => ActivationCheckpointing.Selective,
                "fast" => ActivationCheckpointing.None,
                _ => ActivationCheckpointing.Auto,
            };
    }

    /// <summary>AdamW's decoupled weight decay, 0 to 1; default 0.01.</summary>
    [Range(0.0, 1.0)]
    [Description("decoupled weight decay of AdamW")]
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Global gradient norm above which gradients are scaled down; above 0; default 1.</summary>
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    [Description("global gradient norm above which gradients are scaled down")]
    public double ClipNorm { get; init; } = 1.0;

    /// <summary>Seed of the adapter's initial values, the order of rows and dropout; default 1.</summary>
    [Range(0, int.MaxValue)]
    [Description("initial values, order of rows, dropout")]
    public int Seed { get; init; } = 1;

    /// <summary>Optimizer steps between checkpoints, 1 to 100,000; default 50.</summary>
    [Range(1, 100_000)]
    [Description("optimizer steps between checkpoints")]
    public int CheckpointSteps { get; init; } = 50;

    /// <summary>
    /// Optimizer steps between validations, 1 to 100,000; <c>null</c> (default): at the end of each epoch.
    /// </summary>
    [Range(1, 100_000)]
    [Description("optimizer steps between validations; by default each epoch")]
    public int? EvaluationSteps { get; init; }

    /// <summary>
    /// Ends training after this many validations in a row without a lower loss, 1 to 1,000; <c>null</c> (default):
    /// never. Implies <see cref="KeepBest"/>.
    /// </summary>
    [Range(1, 1000)]
    [Description("validations in a row without a lower loss that end training; by default never; implies keepBest")]
    public int? EarlyStopping { get; init; }

    /// <summary>
    /// Publishes the adapter as it was at the lowest validation loss, not as it was at the end; default false.
    /// </summary>
    [Description("publish the weights of the lowest validation loss")]
    public bool KeepBest { get; init; }

    /// <summary>
    /// The rate that applies to a base: <see cref="LearningRate"/> when said, else 2e-4 (Dettmers et al. 2023, table 9,
    /// for 7B and 13B) or, for bases narrower than 1,024, 2e-3 (measured on tiny-llama-chat). Full training: 2e-5
    /// (Touvron et al. 2023, "Llama 2", section 3.1), narrow bases 5e-4 (measured likewise).
    /// </summary>
    public double LearningRateFor(int hiddenSize) =>
        LearningRate
        ?? (Method == TrainingMethod.Full, hiddenSize < 1024) switch
        {
            (true, true) => 5e-4,
            (true, false) => 2e-5,
            (false, true) => 2e-3,
            (false, false) => 2e-4,
        };
}
