namespace Pipeline.Contracts;

/// <summary><c>audit.json</c>: what the training will really see, measured with its own encoder before any machine starts. One red check, and no training starts.</summary>
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

    /// <summary>Optimizer steps of the whole training; with packing an estimate.</summary>
    public required int Steps { get; init; }

    /// <summary>Tokens that training goes through, all epochs together.</summary>
    public required long TrainingTokens { get; init; }

    /// <summary>Minutes of training at the machine's speed; <c>null</c> where project.yaml names none. Loading and evaluation come on top.</summary>
    public double? Minutes { get; init; }

    /// <summary>What these minutes cost, in the machine's currency; <c>null</c> where project.yaml names no price.</summary>
    public double? Cost { get; init; }

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

/// <summary>Tokens of some rows.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Tokens">All their tokens.</param>
/// <param name="Supervised">Tokens that are learned.</param>
/// <param name="Median">Tokens of the row in the middle.</param>
/// <param name="P95">Tokens that 95 % of the rows do not exceed.</param>
/// <param name="Longest">Tokens of the longest row.</param>
public sealed record TokenCounts(int Rows, long Tokens, long Supervised, int Median, int P95, int Longest);
