using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What became of a raw row in a dataset.</summary>
/// <param name="File">The dataset's file in which it was found.</param>
/// <param name="Id">The row found: the raw row itself, or one that comes of it.</param>
/// <param name="What">For people: <c>learned from</c>, <c>asked</c>, <c>left out: duplicate, …</c>,
/// <c>a synthetic row comes of it</c>.</param>
public sealed record RowFate(string File, string Id, string What)
{
    /// <summary>The row that stands in the place of one that was left out; <c>null</c>: none does.</summary>
    public string? Kept { get; init; }

    /// <summary>The texts of the row, by which verdicts on it are found; not shown.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Texts { get; init; } = [];
}

/// <summary>A dataset in which a raw row was found, and what was trained on it.</summary>
/// <param name="DatasetId">The dataset.</param>
/// <param name="Fates">Where it was found.</param>
/// <param name="Runs">Runs of that dataset.</param>
public sealed record AffectedDataset(string DatasetId, IReadOnlyList<RowFate> Fates, IReadOnlyList<AffectedRun> Runs);

/// <summary>A run of an affected dataset.</summary>
/// <param name="RunId">The run.</param>
/// <param name="State">How it stands.</param>
/// <param name="Adapter">The published adapter's blob prefix; <c>null</c>: none was published.</param>
/// <param name="IsChampion">Whether that adapter is the project's champion.</param>
public sealed record AffectedRun(string RunId, RunState State, string? Adapter, bool IsChampion);
