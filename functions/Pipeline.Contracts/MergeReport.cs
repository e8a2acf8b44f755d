namespace Pipeline.Contracts;

/// <summary><c>merge.json</c>: an adapter beside its base and merged into it, on the same held-out rows.</summary>
public sealed record MergeReport
{
    public int SchemaVersion { get; init; } = 1;
    public required string Base { get; init; }

    /// <summary>
    /// Whether the adapter was merged into the values dequantised from NF4 (QLoRA) or into the base's own.
    /// </summary>
    public required bool Dequantized { get; init; }
    public required string DatasetId { get; init; }

    /// <summary>The base with the adapter beside it.</summary>
    public required ModelScore AdapterScore { get; init; }

    /// <summary>The merged model as read from its files.</summary>
    public required ModelScore MergedScore { get; init; }

    /// <summary>Rows that the two answer differently.</summary>
    public required int RowsThatDiffer { get; init; }

    /// <summary>The largest difference of a gold answer's log-likelihood, nats.</summary>
    public required double LargestDifference { get; init; }
}
