namespace Pipeline.Contracts;

/// <summary>
/// <c>datasets/{datasetId}/manifest.json</c>: what the dataset is made of and how every row read has ended.
/// </summary>
public sealed record DatasetManifest
{
    public const int CurrentSchemaVersion = 1;

    public int SchemaVersion { get; init; } = CurrentSchemaVersion;
    public required string DatasetId { get; init; }
    public required string Project { get; init; }
    public required TaskKind Task { get; init; }

    /// <summary>Labels in ordinal order; empty for tasks without labels.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>The system prompt of every example that has none of its own.</summary>
    public required string SystemPrompt { get; init; }

    /// <summary>Which column was read as what, and whether that was said or guessed.</summary>
    public required ColumnReading Columns { get; init; }

    /// <summary>The form in which the rows came: <c>text and label</c>, <c>alpaca</c>, <c>messages</c>, …</summary>
    public string Layout { get; init; } = TextAndLabel;
    public const string TextAndLabel = "text and label";

    /// <summary>The form of files whose answers people give (<c>review.unlabelled</c>).</summary>
    public const string TextsAlone = "texts without answers";

    /// <summary>
    /// What a person should know of how the files were read: encodings, repairs, guesses, files passed over.
    /// </summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The files read, in the order read.</summary>
    public required IReadOnlyList<SourceFile> Sources { get; init; }

    /// <summary>
    /// <c>read = accepted + rejected + duplicates</c> and <c>accepted = train + validation + test</c>, and the rows of
    /// <see cref="Guard"/>. Of plain texts train, validation and test count pieces of at most
    /// <c>validation.maxTokens</c>, of which a text has one or more, without held-out pieces that nearly repeat one to
    /// learn.
    /// </summary>
    public required RowCounts Rows { get; init; }

    /// <summary>People's corrections in the dataset; <c>null</c>: the project has none.</summary>
    public CorrectionCounts? Corrections { get; init; }

    /// <summary>The guard set; <c>null</c>: the project has none.</summary>
    public GuardSet? Guard { get; init; }

    /// <summary>Rows by <see cref="RejectionReason"/>.</summary>
    public required IReadOnlyDictionary<string, int> Reasons { get; init; }

    /// <summary>
    /// Accepted rows that are nearly the same as others; no cluster of them lies on both sides of the split.
    /// </summary>
    public NearDuplicateCounts NearDuplicates { get; init; } = new(0, 0, 0, 0);

    /// <summary>
    /// Values that were replaced in the dataset's rows, by type, where project.yaml asks for it. Rejected rows are kept
    /// as they were dropped.
    /// </summary>
    public IReadOnlyDictionary<string, long> Replaced { get; init; } = new Dictionary<string, long>();

    /// <summary>What was made beside the rows that were dropped; synthetic rows are in every count.</summary>
    public IReadOnlyList<SynthesisSummary> Synthesis { get; init; } = [];

    /// <summary>Accepted rows by label, over all splits.</summary>
    public required IReadOnlyDictionary<string, int> RowsByLabel { get; init; }

    /// <summary>
    /// The base whose tokenizer measured the rows, the template's name and the SHA-256 of the tokenizer file.
    /// </summary>
    public required string Base { get; init; }
    public required string Template { get; init; }
    public required string TokenizerSha256 { get; init; }

    /// <summary>The longest example, in tokens.</summary>
    public required int LongestTokens { get; init; }

    /// <summary>SHA-256 of each file of the dataset by name, in hexadecimal.</summary>
    public required IReadOnlyDictionary<string, string> Files { get; init; }

    /// <summary>The project's settings as they were applied.</summary>
    public required ProjectSettings Settings { get; init; }
}

/// <summary>How the rows read have ended.</summary>
public sealed record RowCounts(
    int Read,
    int Accepted,
    int Rejected,
    int Duplicates,
    int Train,
    int Validation,
    int Test
);

/// <summary>
/// People's corrections of answers, which are rows of every dataset of their project until they are withdrawn.
/// </summary>
/// <param name="File">The file of them.</param>
/// <param name="Rows">Corrected texts.</param>
/// <param name="Named">Those that a reviewer with a key has decided, which replace what the data says; the others are
/// only learned from, where the data does not say otherwise.</param>
/// <param name="Accepted">Those of both that are in the dataset.</param>
/// <param name="Replaced">Rows of the data in whose place a correction stands.</param>
public sealed record CorrectionCounts(string File, int Rows, int Named, int Accepted, int Replaced)
{
    /// <summary>Those of a reviewer with a key that are in the dataset.</summary>
    public int NamedAccepted { get; init; }
}

/// <summary>Rows that no version may answer worse, and that nothing is learned from.</summary>
/// <param name="File">The file of them.</param>
/// <param name="Task">The project's task, or another one where they are of another form.</param>
/// <param name="Rows">Those that were accepted.</param>
public sealed record GuardSet(string File, TaskKind Task, int Rows);

/// <summary>Rows that are nearly the same.</summary>
/// <param name="Clusters">Clusters of more than one row.</param>
/// <param name="Rows">Rows in them.</param>
/// <param name="Largest">Rows of the largest; 0 where there is none.</param>
/// <param name="Conflicting">Clusters whose rows have different labels.</param>
public sealed record NearDuplicateCounts(int Clusters, int Rows, int Largest, int Conflicting);

/// <summary>The columns a dataset was read from.</summary>
/// <param name="Text">The column of the text.</param>
/// <param name="Label">The column of the label or answer.</param>
/// <param name="Guessed"><c>true</c> when project.yaml did not name both.</param>
public sealed record ColumnReading(string Text, string Label, bool Guessed);

/// <summary>A file that was read.</summary>
public sealed record SourceFile(string Name, long Bytes, string Sha256);
