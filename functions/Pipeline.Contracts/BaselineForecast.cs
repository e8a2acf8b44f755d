namespace Pipeline.Contracts;

/// <summary>
/// <c>datasets/{datasetId}/baseline.json</c>: what needs no language model reaches on the held-out rows, known before
/// anything is trained.
/// </summary>
public sealed record BaselineForecast
{
    public int SchemaVersion { get; init; } = 1;

    /// <summary>By baseline, accuracy and macro-F1, fractions.</summary>
    public required IReadOnlyDictionary<Baseline, BaselineScore> Scores { get; init; }

    /// <summary>Training rows that they learned from: of a large dataset a share.</summary>
    public required int LearnedRows { get; init; }

    /// <summary>Held-out rows that they answered: of a large dataset a share.</summary>
    public required int TestRows { get; init; }
}
