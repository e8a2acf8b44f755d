using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
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
    [Description("what the model learns and how it is measured; without it the rows decide")]
    public TaskKind Task { get; init; }

    /// <summary>Whether project.yaml names the task; where it does not, the form of the rows decides.</summary>
    [JsonPropertyName("taskIsSaid")] // as it was written before: ids of runs and datasets hash it
    [Browsable(false)]
    public bool HasExplicitTask { get; init; }

    /// <summary>Column names; <c>null</c> where the pipeline shall guess.</summary>
    [Description("the columns that are read")]
    public ColumnSettings Columns { get; init; } = new();

    /// <summary>The code book. Empty: the labels are those found in the data.</summary>
    [Description("the label definitions; without them the labels are those in the data, each with at least three rows")]
    public IReadOnlyList<LabelDefinition> Labels { get; init; } = [];

    /// <summary>The system prompt; <c>null</c>: one that names the labels, or none for instruction.</summary>
    [Description("the system prompt of every row that has none of its own; by default one that names up to 20 labels")]
    public string? SystemPrompt { get; init; }

    [Description("what makes a row valid")]
    public ValidationSettings Validation { get; init; } = new();

    [Description("what happens to personal data in texts")]
    public PrivacySettings Privacy { get; init; } = new();

    [Description("synthetic rows, for training only")]
    public SynthesisSettings Synthesis { get; init; } = new();

    [Description("how accepted rows are divided")]
    public SplitSettings Split { get; init; } = new();

    /// <summary>The base model's folder name under the models directory.</summary>
    [RegularExpression(
        BlobLayout.BaseNamePattern,
        ErrorMessage = "a base is one folder name under the models directory"
    )]
    [Description("the base model's folder in PIPELINE_MODELS")]
    public string Base { get; init; } = "tiny-llama-chat";

    /// <summary>
    /// The chat template: <c>llama2</c>, <c>llama3</c>, <c>mistral</c>, <c>chatml</c>; <c>null</c> (default): told from
    /// the base.
    /// </summary>
    [ValuesOf(ValuesOfAttribute.Templates)]
    [Description("the chat template; by default that of the base")]
    public string? Template { get; init; }

    [Description("method and hyper-parameters")]
    public TrainingSettings Training { get; init; } = new();

    [Description("how the result is measured")]
    public EvaluationSettings Evaluation { get; init; } = new();

    [Description("when a new version replaces the champion")]
    public PromotionSettings Promotion { get; init; } = new();

    [OmittedByDefault]
    [Description("how opposed corrections are decided")]
    public FeedbackSettings Feedback { get; init; } = new();

    /// <summary>The code book's rules, by which reviewers say why an answer is right.</summary>
    [OmittedByDefault]
    [Description("the code book's rules, by which reviewers say why an answer is right")]
    public IReadOnlyList<CodeBookRule> Rules { get; init; } = [];

    [OmittedByDefault]
    [Description("what people review, and how long a run waits for them")]
    public ReviewSettings Review { get; init; } = new();

    [Description("when to train again")]
    public RetrainingSettings Retraining { get; init; } = new();

    [OmittedByDefault]
    [Description("who hears of it when a run has ended")]
    public NoticeSettings Notify { get; init; } = new();

    [Description("the machine that trains, for the audit's estimates; the figures are yours")]
    public MachineSettings Machine { get; init; } = new();

    [OmittedByDefault]
    [Description("what reading one file may cost")]
    public LimitSettings Limits { get; init; } = new();

    /// <summary>Files beside the dropped one that start no run of their own, by the setting that names them.</summary>
    public IEnumerable<(string Setting, string Name)> HeldOutFiles()
    {
        if (Split.TestFile is { } test)
        {
            yield return ("split.test", test);
        }

        if (Promotion.Guard is { } guard)
        {
            yield return ("promotion.guard", guard);
        }
    }
}

/// <summary>Names of the columns that matter.</summary>
public sealed record ColumnSettings
{
    [Description("the column of the text; by default guessed")]
    public string? Text { get; init; }

    /// <summary>Further columns of the question, each put under its name after the text.</summary>
    [OmittedByDefault]
    [Description("further columns of the question, such as a second text; each stands under its name after the text")]
    public IReadOnlyList<string> AlsoText { get; init; } = [];

    [Description("the column of the label or answer; by default guessed")]
    public string? Label { get; init; }

    /// <summary>Columns that are known and not read.</summary>
    [OmittedByDefault]
    [Description("columns that are not read, where a guess stops because they hold texts")]
    public IReadOnlyList<string> Ignore { get; init; } = [];

    /// <summary>
    /// Who said or checked the answer; default: a column called <c>reviewer</c> or <c>annotator</c>, where there is
    /// one.
    /// </summary>
    [Description("who gave or checked the answer; by default a column 'reviewer' or 'annotator'")]
    public string? Reviewer { get; init; }

    /// <summary>Names by which that column is known.</summary>
    public static IReadOnlyList<string> ReviewerNames { get; } = ["reviewer", "annotator"];
}

/// <summary>One entry of the code book.</summary>
public sealed record LabelDefinition
{
    [ShortForm]
    [Description("the label")]
    public required string Name { get; init; }

    /// <summary>Other spellings that mean this label.</summary>
    [Description("other spellings that mean it")]
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What the label means, for those who write or check rows of it; <c>null</c>: its name says it.</summary>
    [Description("what it means, for those who write or check rows")]
    public string? Definition { get; init; }

    /// <summary>Texts that it stands for.</summary>
    [Description("texts that have it")]
    public IReadOnlyList<string> Examples { get; init; } = [];
}

/// <summary>What makes a row valid.</summary>
public sealed record ValidationSettings
{
    /// <summary>
    /// Longest example, prompt and answer together, in tokens of the base's tokenizer. 16 to 131,072; default 256.
    /// </summary>
    [Range(16, 131_072)]
    [Description(
        "the longest row, prompt and answer together, in tokens of the base; a longer one is rejected, never cut"
    )]
    public int MaxTokens { get; init; } = 256;

    /// <summary>
    /// What becomes of rows that are nearly the same: <c>group</c> (default): they stay, all on one side of the split;
    /// <c>drop</c>: the first stays. Rows that nearly repeat one of a test set of its own are left out either way.
    /// </summary>
    [Description("what happens to rows that are nearly the same")]
    public NearDuplicateRule NearDuplicates { get; init; }
}

/// <summary>How accepted rows are divided. Fractions of the accepted rows; the rest trains.</summary>
public sealed record SplitSettings
{
    /// <summary>0 to 0.5; default 0.1.</summary>
    [Range(0.0, 0.5)]
    [Description("share of the accepted rows for validation")]
    public double Validation { get; init; } = 0.1;

    /// <summary>0.01 to 0.5; default 0.15. Not used when <see cref="TestFile"/> is given.</summary>
    [Range(0.01, 0.5)]
    [Description(
        "share of the accepted rows for the test, or the name of a file beside the dropped one that is the test set"
    )]
    public double Test { get; init; } = 0.15;

    /// <summary>A file beside the dropped one that is the test set as a whole (<c>split.test: NAME</c>).</summary>
    [SettingKey("test")]
    [RegularExpression(@"[^/\\]+", ErrorMessage = "give a fraction, or the name of a file beside the dropped one")]
    public string? TestFile { get; init; }

    /// <summary>
    /// Whether data that has a split of its own, by its files' names or a column, is mixed and split anew. Default
    /// false: its test rows are the test rows.
    /// </summary>
    [OmittedByDefault]
    [Description("whether data with a split of its own (files train, test; a column split) is mixed and split anew")]
    public bool Mix { get; init; }

    /// <summary>0 to 2,147,483,647; default 1.</summary>
    [Range(0, int.MaxValue)]
    [Description("seed of the split")]
    public int Seed { get; init; } = 1;
}

/// <summary>How the result is measured.</summary>
public sealed record EvaluationSettings
{
    /// <summary>Resamples of the bootstrap, 200 to 100,000; default 2,000.</summary>
    [Range(200, 100_000)]
    [Description("resamples of the bootstrap")]
    public int BootstrapSamples { get; init; } = 2000;

    /// <summary>Also let both models write their answer greedily: exact match and stop rate. Default true.</summary>
    [Description("whether both models also generate their answers greedily")]
    public bool Generate { get; init; } = true;

    /// <summary>
    /// Share of held-out prompts whose written answer must end by itself, or the adapter is not published. 0 to 1;
    /// default 0.95.
    /// </summary>
    [Range(0.0, 1.0)]
    [Description("share of generated answers that must end by themselves, or the adapter is not published")]
    public double MinimumStopRate { get; init; } = 0.95;
}

/// <summary>When a new version replaces the champion.</summary>
public sealed record PromotionSettings
{
    /// <summary>
    /// The lower bound of the paired 95 % interval (new minus champion) must exceed this. -1 to 1; default 0.
    /// </summary>
    [Range(-1.0, 1.0)]
    [Description("the smallest gain that matters: the lower bound of the gain's paired 95 % interval must exceed it")]
    public double MinimumGain { get; init; }

    /// <summary>
    /// What a label may lose: with 95 % confidence (one-sided) no label's share of right answers has fallen by this or
    /// more. 0.01 to 1; default 0.1; 1: a label may lose all.
    /// </summary>
    [OmittedByDefault]
    [Range(0.01, 1.0)]
    [Description(
        "what a label may lose against the champion: a greater loss must be ruled out; 1: any loss is allowed"
    )]
    public double LabelMargin { get; init; } = 0.1;

    /// <summary>
    /// What becomes of a version that is not proven better than a linear model, naive Bayes or the most frequent label.
    /// </summary>
    [OmittedByDefault]
    [Description("what becomes of a version that a simple model without a GPU equals (linear, naive Bayes, majority)")]
    public BaselinePolicy EqualToBaseline { get; init; }

    /// <summary>
    /// A file beside the dropped one whose rows no version may answer worse (<c>promotion.guard: NAME</c>): past
    /// failures, general instructions. Nothing is learned from it. <c>null</c> (default): there is none.
    /// </summary>
    [OmittedByDefault]
    [RegularExpression(@"[^/\\]+", ErrorMessage = "give the name of a file beside the dropped one")]
    [Description(
        "the name of a file beside the dropped one whose rows no version may answer worse, such as past failures or "
            + "general instructions; nothing is learned from them"
    )]
    public string? Guard { get; init; }

    /// <summary>
    /// What a version may lose on the guard set against the champion, a first one against the base. 0 to 1; default
    /// 0.05; 1: a version may lose all.
    /// </summary>
    [OmittedByDefault]
    [Range(0.0, 1.0)]
    [Description("what a version may lose on the guard set against the champion, a first one against the base")]
    public double GuardMargin { get; init; } = 0.05;
}

/// <summary>When to train again.</summary>
public sealed record RetrainingSettings
{
    /// <summary>New corrections that start a retraining; 0 turns it off. 0 to 1,000,000; default 50.</summary>
    [Range(0, 1_000_000)]
    [Description("new corrections that start a retraining; 0: never")]
    public int FeedbackCount { get; init; } = 50;

    /// <summary>The timer retrains when at least this many new corrections wait. 1 to 1,000,000; default 1.</summary>
    [Range(1, 1_000_000)]
    [Description("new corrections with which the timer retrains")]
    public int ScheduledMinimum { get; init; } = 1;
}

/// <summary>The machine that will train, for the audit's estimate; the figures are the user's.</summary>
public sealed record MachineSettings
{
    /// <summary>
    /// Tokens a second it trains this base with, as <c>training.json</c> or a benchmark said; <c>null</c> (default): no
    /// estimate.
    /// </summary>
    [Range(0.0, 1e9, MinimumIsExclusive = true)]
    [Description("training speed in tokens per second; without it no minutes are estimated")]
    public double? TokensPerSecond { get; init; }

    /// <summary>What an hour of it costs; <c>null</c> (default): no estimate of the cost.</summary>
    [Range(0.0, 1e6)]
    [Description("price of an hour; without it no cost is estimated")]
    public double? PricePerHour { get; init; }

    /// <summary>
    /// Memory in GiB; <c>null</c> (default): whether the training fits is not checked before it starts.
    /// </summary>
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    [Description("memory in GiB; a run that would not fit stops before training")]
    public double? MemoryGiB { get; init; }

    /// <summary>Free memory of its GPU in GiB; <c>null</c> (default): the same is not checked for a GPU.</summary>
    [Range(0.0, 1e6, MinimumIsExclusive = true)]
    [Description("free GPU memory in GiB; the same check for the GPU")]
    public double? GpuMemoryGiB { get; init; }
}
