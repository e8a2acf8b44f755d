using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Building;

/// <summary>What a dataset is made of.</summary>
public sealed record DatasetRequest
{
    public required string Project { get; init; }
    public required ProjectSettings Settings { get; init; }

    /// <summary>
    /// Files to learn from; the first one is what was dropped, others are rejected rows that people have mended.
    /// </summary>
    public required IReadOnlyList<RawFile> Files { get; init; }

    /// <summary>People's corrections, in the form of <see cref="Corrections"/>; <c>null</c>: none.</summary>
    public RawFile? Corrections { get; init; }

    /// <summary>The test set of its own, when <c>split.test</c> names one.</summary>
    public RawFile? TestFile { get; init; }

    /// <summary>The guard set, when <c>promotion.guard</c> names one.</summary>
    public RawFile? GuardFile { get; init; }

    /// <summary>The base's encoder and the SHA-256 of its tokenizer's file.</summary>
    public required ChatEncoder Encoder { get; init; }
    public required string TokenizerSha256 { get; init; }

    /// <summary>The base's shape, for the audit's memory; <c>null</c>: not known.</summary>
    public BaseShape? Shape { get; init; }

    /// <summary>
    /// Ids of rows that were withdrawn, such as <c>tweets.csv#12</c>: the dataset is made as if they were not there,
    /// but for their places.
    /// </summary>
    public IReadOnlyList<string> Without { get; init; } = [];

    /// <summary>The dataset's id: the same content and settings give the same id.</summary>
    public string DatasetId() =>
        ContentHash.ShortOf([
            DatasetBuilder.Version,
            Project,
            Encoder.Template.Name,
            SettingsIdentity.Write(DatasetSettings()),
            TokenizerSha256,
            .. Files
                .Append(TestFile)
                .Append(Corrections)
                .Append(GuardFile)
                .OfType<RawFile>()
                .SelectMany(f => (string[])[f.Name, f.Sha256]),
            .. Without,
        ]);

    /// <summary>The settings that shape a dataset; how it is trained on does not.</summary>
    private ProjectSettings DatasetSettings() =>
        Settings with
        {
            Training = new(),
            Evaluation = new(),
            Promotion = new(),
            Feedback = new(),
            Rules = [],
            Review = new() { Unlabelled = Settings.Review.Unlabelled },
            Retraining = new(),
            Notify = new(),
            Machine = new(),
        };
}
