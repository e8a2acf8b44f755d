using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>
/// <c>audit.json</c>: what the training will really see, measured with its own encoder before any machine starts. One
/// red check, and no training starts.
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

    /// <summary>The languages of what is asked, of a sample of all rows; of plain texts of the texts.</summary>
    public LanguageCounts Languages { get; init; } = new(0, new Dictionary<string, int>());

    /// <summary>
    /// Clusters of nearly the same texts that bear different labels: the first ones; the manifest counts all,
    /// <c>conflicts.jsonl</c> lists them.
    /// </summary>
    public IReadOnlyList<LabelConflict> Conflicts { get; init; } = [];

    /// <summary>Optimizer steps of the whole training; with packing an estimate.</summary>
    public required int Steps { get; init; }

    /// <summary>Tokens that training goes through, all epochs together.</summary>
    public required long TrainingTokens { get; init; }

    /// <summary>
    /// Minutes of training at the machine's speed; <c>null</c> where project.yaml names none. Loading and evaluation
    /// come on top.
    /// </summary>
    public double? Minutes { get; init; }

    /// <summary>
    /// What these minutes cost, in the machine's currency; <c>null</c> where project.yaml names no price.
    /// </summary>
    public double? Cost { get; init; }

    /// <summary>
    /// Memory that training takes on the CPU, reckoned from the base's shape and the longest rows; <c>null</c> where
    /// the base's config.json does not say its shape.
    /// </summary>
    public TrainingMemory? Memory { get; init; }

    /// <summary>
    /// Bytes that training takes of a GPU by each value of <c>training.memory</c>, the leanest first; empty where its
    /// kernels do not train (method full, DoRA) or the shape is not known.
    /// </summary>
    public IReadOnlyDictionary<string, long> GpuMemory { get; init; } = new Dictionary<string, long>();

    /// <summary>Whether no check is red.</summary>
    public bool Passed() => Checks.All(c => c.Level != AuditCheck.Red);
}

/// <summary>One check of a dataset.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Level"><c>ok</c>, <c>warning</c> or <c>red</c>.</param>
/// <param name="Value">What was counted.</param>
/// <param name="Detail">For people; with the first rows concerned.</param>
/// <param name="Fix">What to do; empty when all is well.</param>
public sealed record AuditCheck(string Name, string Level, long Value, string Detail, string Fix)
{
    public const string Ok = "ok";
    public const string Warning = "warning";
    public const string Red = "red";
}

/// <summary>Rows of some lengths.</summary>
/// <param name="From">Fewest tokens.</param>
/// <param name="To">Most tokens.</param>
/// <param name="Rows">Rows between.</param>
public sealed record LengthBin(int From, int To, int Rows);

/// <summary>Texts by language.</summary>
/// <param name="Sampled">Texts looked at.</param>
/// <param name="Texts">Texts by the language's English name, and those of which it cannot be told under
/// <see cref="NotTold"/>.</param>
public sealed record LanguageCounts(
    [property: JsonPropertyName("asked")] int Sampled,
    IReadOnlyDictionary<string, int> Texts
)
{
    /// <summary>Too short, or like several languages.</summary>
    public const string NotTold = "not told";
}

/// <summary>Texts that are nearly the same and bear different labels.</summary>
/// <param name="Rows">How many there are.</param>
/// <param name="Texts">The first ones.</param>
public sealed record LabelConflict(int Rows, IReadOnlyList<ConflictingRow> Texts);

/// <summary>A row of a conflict.</summary>
/// <param name="Id">The row.</param>
/// <param name="Label">Its label.</param>
/// <param name="Text">What it asks, its beginning.</param>
public sealed record ConflictingRow(string Id, string Label, string Text);

/// <summary>Tokens of some rows.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Tokens">All their tokens.</param>
/// <param name="Supervised">Tokens that are learned.</param>
/// <param name="Median">Tokens of the row in the middle.</param>
/// <param name="P95">Tokens that 95 % of the rows do not exceed.</param>
/// <param name="Longest">Tokens of the longest row.</param>
public sealed record TokenCounts(int Rows, long Tokens, long Supervised, int Median, int P95, int Longest);
