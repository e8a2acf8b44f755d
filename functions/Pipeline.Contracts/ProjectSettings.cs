using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>All that a user decides, as project.yaml says it or by default. Validated when the file is read.</summary>
public sealed record ProjectSettings
{
    /// <summary>
    /// What the model is to learn, and how it is measured. Default <c>classification</c>: one of some labels;
    /// <c>extraction</c>: a JSON object; <c>deidentification</c>: the text with entities masked; <c>instruction</c> and
    /// <c>chat</c>: a free answer; <c>text</c>: plain texts, every token of them (continued pre-training).
    /// </summary>
    public string Task { get; init; } = ClassificationTask;

    /// <summary>Whether project.yaml names the task; where it does not, the form of the rows decides.</summary>
    [JsonPropertyName("taskIsSaid")] // as it was written before: ids of runs and datasets hash it
    public bool HasExplicitTask { get; init; }

    public const string ClassificationTask = "classification";
    public const string ExtractionTask = "extraction";
    public const string DeidentificationTask = "deidentification";
    public const string InstructionTask = "instruction";
    public const string ChatTask = "chat";
    public const string TextTask = "text";

    /// <summary>The names of all tasks.</summary>
    public static IReadOnlyList<string> Tasks { get; } =
    [ClassificationTask, ExtractionTask, DeidentificationTask, InstructionTask, ChatTask, TextTask];

    /// <summary>Column names; <c>null</c> where the pipeline shall guess.</summary>
    public ColumnSettings Columns { get; init; } = new();

    /// <summary>The code book. Empty: the labels are those found in the data.</summary>
    public IReadOnlyList<LabelDefinition> Labels { get; init; } = [];

    /// <summary>The system prompt; <c>null</c>: one that names the labels, or none for instruction.</summary>
    public string? SystemPrompt { get; init; }

    public ValidationSettings Validation { get; init; } = new();
    public PrivacySettings Privacy { get; init; } = new();
    public SynthesisSettings Synthesis { get; init; } = new();
    public SplitSettings Split { get; init; } = new();

    /// <summary>The base model's folder name under the models directory.</summary>
    public string Base { get; init; } = "tiny-llama-chat";

    /// <summary>
    /// The chat template: <c>llama2</c>, <c>llama3</c>, <c>mistral</c>, <c>chatml</c>; <c>null</c> (default): told from
    /// the base.
    /// </summary>
    public string? Template { get; init; }

    public TrainingSettings Training { get; init; } = new();
    public EvaluationSettings Evaluation { get; init; } = new();
    public PromotionSettings Promotion { get; init; } = new();
    public RetrainingSettings Retraining { get; init; } = new();
    public MachineSettings Machine { get; init; } = new();
}

/// <summary>Names of the columns that matter.</summary>
public sealed record ColumnSettings
{
    public string? Text { get; init; }
    public string? Label { get; init; }

    /// <summary>
    /// Who said or checked the answer; default: a column called <c>reviewer</c> or <c>annotator</c>, where there is
    /// one.
    /// </summary>
    public string? Reviewer { get; init; }

    /// <summary>Names by which that column is known.</summary>
    public static IReadOnlyList<string> ReviewerNames { get; } = ["reviewer", "annotator"];
}

/// <summary>One entry of the code book.</summary>
public sealed record LabelDefinition
{
    public required string Name { get; init; }

    /// <summary>Other spellings that mean this label.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What the label means, for those who write or check rows of it; <c>null</c>: its name says it.</summary>
    public string? Definition { get; init; }

    /// <summary>Texts that it stands for.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];
}

/// <summary>What makes a row valid.</summary>
public sealed record ValidationSettings
{
    /// <summary>
    /// Longest example, prompt and answer together, in tokens of the base's tokenizer. 16 to 131,072; default 256.
    /// </summary>
    public int MaxTokens { get; init; } = 256;

    /// <summary>
    /// What becomes of rows that are nearly the same: <c>group</c> (default): they stay, all on one side of the split;
    /// <c>drop</c>: the first stays. Rows that nearly repeat one of a test set of its own are left out either way.
    /// </summary>
    public string NearDuplicates { get; init; } = Group;
    public const string Group = "group";
    public const string Drop = "drop";
}

/// <summary>How accepted rows are divided. Fractions of the accepted rows; the rest trains.</summary>
public sealed record SplitSettings
{
    /// <summary>0 to 0.5; default 0.1.</summary>
    public double Validation { get; init; } = 0.1;

    /// <summary>0.01 to 0.5; default 0.15. Not used when <see cref="TestFile"/> is given.</summary>
    public double Test { get; init; } = 0.15;

    /// <summary>A file beside the dropped one that is the test set as a whole (<c>split.test: NAME</c>).</summary>
    public string? TestFile { get; init; }

    /// <summary>0 to 2,147,483,647; default 1.</summary>
    public int Seed { get; init; } = 1;
}

/// <summary>How the result is measured.</summary>
public sealed record EvaluationSettings
{
    /// <summary>Resamples of the bootstrap, 200 to 100,000; default 2,000.</summary>
    public int BootstrapSamples { get; init; } = 2000;

    /// <summary>Also let both models write their answer greedily: exact match and stop rate. Default true.</summary>
    public bool Generate { get; init; } = true;

    /// <summary>
    /// Share of held-out prompts whose written answer must end by itself, or the adapter is not published. 0 to 1;
    /// default 0.95.
    /// </summary>
    public double MinimumStopRate { get; init; } = 0.95;
}

/// <summary>When a new version replaces the champion.</summary>
public sealed record PromotionSettings
{
    /// <summary>
    /// The lower bound of the paired 95 % interval (new minus champion) must exceed this. -1 to 1; default 0.
    /// </summary>
    public double MinimumGain { get; init; }
}

/// <summary>When to train again.</summary>
public sealed record RetrainingSettings
{
    /// <summary>New corrections that start a retraining; 0 turns it off. 0 to 1,000,000; default 50.</summary>
    public int FeedbackCount { get; init; } = 50;

    /// <summary>The timer retrains when at least this many new corrections wait. 1 to 1,000,000; default 1.</summary>
    public int ScheduledMinimum { get; init; } = 1;
}

/// <summary>The machine that will train, for the audit's estimate; the figures are the user's.</summary>
public sealed record MachineSettings
{
    /// <summary>
    /// Tokens a second it trains this base with, as <c>training.json</c> or a benchmark said; <c>null</c> (default): no
    /// estimate.
    /// </summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>What an hour of it costs; <c>null</c> (default): no estimate of the cost.</summary>
    public double? PricePerHour { get; init; }

    /// <summary>
    /// Memory in GiB; <c>null</c> (default): whether the training fits is not checked before it starts.
    /// </summary>
    public double? MemoryGiB { get; init; }

    /// <summary>Free memory of its GPU in GiB; <c>null</c> (default): the same is not checked for a GPU.</summary>
    public double? GpuMemoryGiB { get; init; }
}
