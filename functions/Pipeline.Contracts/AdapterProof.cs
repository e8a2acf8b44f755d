namespace Pipeline.Contracts;

/// <summary>
/// <c>proof.json</c>: what was checked of an adapter before it was published. One check that fails, and it is not.
/// </summary>
public sealed record AdapterProof
{
    public int SchemaVersion { get; init; } = 1;

    /// <summary>Every check, in the order made.</summary>
    public required IReadOnlyList<ProofCheck> Checks { get; init; }

    /// <summary>The dataset's id, which its content and settings give.</summary>
    public required string DatasetId { get; init; }

    /// <summary>SHA-256 of the base's config.json and weight files, by name.</summary>
    public required IReadOnlyDictionary<string, string> Base { get; init; }

    /// <summary>SHA-256 of the training settings as they were applied.</summary>
    public required string TrainingSha256 { get; init; }

    /// <summary>SHA-256 of the weights that are published.</summary>
    public required string AdapterSha256 { get; init; }

    /// <summary>
    /// Version ids of the assemblies that trained, by name; a deterministic build gives the same ids for the same code.
    /// </summary>
    public required IReadOnlyDictionary<string, string> Code { get; init; }

    /// <summary>Whether every check passed.</summary>
    public bool Passed() => Checks.All(c => c.Passed);
}

/// <summary>One check.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Passed">Whether it holds.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Limit">What it is compared with.</param>
/// <param name="Detail">For people.</param>
public sealed record ProofCheck(string Name, bool Passed, double Value, double Limit, string Detail);
