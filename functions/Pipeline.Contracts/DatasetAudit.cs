using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>
/// <c>audit.json</c>: the data as training will encode it, measured before any machine starts. With one red check no
/// training starts.
/// </summary>
public sealed record DatasetAudit
{
    public int SchemaVersion { get; init; } = 1;
    public required string DatasetId { get; init; }

    /// <summary>Every check, in the order made.</summary>
    public required IReadOnlyList<AuditCheck> Checks { get; init; }

    /// <summary>Tokens of each split: <c>train</c>, <c>validation</c>, <c>test</c>.</summary>
    public required IReadOnlyDictionary<string, TokenCounts> Splits { get; init; }

    /// <summary>Tokens of the training rows by label; empty without labels.</summary>
    public required IReadOnlyDictionary<string, TokenCounts> Labels { get; init; }

    /// <summary>Rows by their length in tokens, over all splits, from short to long.</summary>
    public IReadOnlyList<LengthBin> Lengths { get; init; } = [];

    /// <summary>Languages of the prompts in a sample of all rows; of the texts themselves for plain texts.</summary>
    public LanguageCounts Languages { get; init; } = new(0, new Dictionary<string, int>());

    /// <summary>
    /// Clusters of near duplicates with different labels: the first ones; the manifest counts all,
    /// <c>conflicts.jsonl</c> lists them.
    /// </summary>
    public IReadOnlyList<LabelConflict> Conflicts { get; init; } = [];

    /// <summary>Optimizer steps of the whole training; with packing an estimate.</summary>
    public required int Steps { get; init; }

    /// <summary>Tokens that training goes through, all epochs together.</summary>
    public required long TrainingTokens { get; init; }

    /// <summary>
    /// Estimated minutes of training; <c>null</c> where project.yaml has no <c>machine.tokensPerSecond</c>. Loading and
    /// evaluation come on top.
    /// </summary>
    public double? Minutes { get; init; }

    /// <summary>
    /// What these minutes cost, in the currency of <c>machine.pricePerHour</c>; <c>null</c> without that or without
    /// minutes.
    /// </summary>
    public double? Cost { get; init; }

    /// <summary>
    /// Memory that training takes on the CPU, estimated from the base model's shape and the longest rows; <c>null</c>
    /// where its config.json does not give the shape.
    /// </summary>
    public TrainingMemory? Memory { get; init; }

    /// <summary>
    /// Bytes that training takes of a GPU by each value of <c>training.activationCheckpointing</c> but <c>auto</c>, the
    /// smallest first; empty where the kernels do not train (method full, DoRA) or the shape is not known.
    /// </summary>
    public IReadOnlyDictionary<string, long> GpuMemory { get; init; } = new Dictionary<string, long>();

    /// <summary>Whether no check is red.</summary>
    public bool Passed() => Checks.All(c => c.Level != AuditLevel.Red);
}

/// <summary>One check of a dataset.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Level">What it found.</param>
/// <param name="Value">The figure checked: rows or clusters; GiB for memory, a ratio for the balance of labels.</param>
/// <param name="Detail">For people; with the first rows concerned.</param>
/// <param name="Fix">What to do; empty when all is well.</param>
public sealed record AuditCheck(string Name, AuditLevel Level, long Value, string Detail, string Fix);

/// <summary>Rows of some lengths.</summary>
/// <param name="From">Fewest tokens.</param>
/// <param name="To">Most tokens.</param>
/// <param name="Rows">Rows between.</param>
public sealed record LengthBin(int From, int To, int Rows);

/// <summary>Texts by language.</summary>
/// <param name="Sampled">Texts in the sample.</param>
/// <param name="Texts">Texts by the language's English name; those without a detected one under
/// <see cref="NotDetected"/>.</param>
public sealed record LanguageCounts(
    [property: JsonPropertyName("asked")] int Sampled,
    IReadOnlyDictionary<string, int> Texts
)
{
    /// <summary>Too short, or like several languages.</summary>
    public const string NotDetected = "unknown";
}

/// <summary>A cluster of near duplicates with different labels.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Texts">The first rows.</param>
public sealed record LabelConflict(int Rows, IReadOnlyList<ConflictingRow> Texts);

/// <summary>A row of a conflict.</summary>
/// <param name="Id">The row.</param>
/// <param name="Label">Its label.</param>
/// <param name="Text">The beginning of its prompt.</param>
public sealed record ConflictingRow(string Id, string Label, string Text);

/// <summary>Tokens of some rows.</summary>
/// <param name="Rows">Number of rows.</param>
/// <param name="Tokens">All their tokens.</param>
/// <param name="Supervised">Supervised tokens.</param>
/// <param name="Median">Tokens of the row in the middle.</param>
/// <param name="P95">Tokens that 95 % of the rows do not exceed.</param>
/// <param name="Longest">Tokens of the longest row.</param>
public sealed record TokenCounts(int Rows, long Tokens, long Supervised, int Median, int P95, int Longest);
