using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>A published version in the registry: where it stands and what it is made of.</summary>
public sealed record VersionEntry
{
    public required int Version { get; init; }
    public required VersionState State { get; init; }

    /// <summary>When it was published; <c>null</c>: before 2026-11-29, when nobody wrote it down.</summary>
    public DateTimeOffset? PublishedAt { get; init; }

    /// <summary>The run that made it.</summary>
    public string? RunId { get; init; }

    /// <summary>The raw blob's name within its project.</summary>
    public string? Source { get; init; }

    public string? DatasetId { get; init; }
    public string? Base { get; init; }

    /// <summary>The batch of people's corrections in its dataset; <c>null</c>: there were none.</summary>
    public string? Corrections { get; init; }

    /// <summary>SHA-256 of its training settings, as proof.json has it.</summary>
    public string? SettingsSha256 { get; init; }

    /// <summary>The champion when it was published, which it was compared with; <c>null</c>: there was none.</summary>
    public int? Parent { get; init; }

    /// <summary>What its score is, and its own and the base's, 0 to 1.</summary>
    public string? ScoreName { get; init; }
    public double? Score { get; init; }
    public double? BaseScore { get; init; }

    /// <summary>Held-out rows behind the score.</summary>
    public int? TestRows { get; init; }

    /// <summary>The number of the test set, by <see cref="RegistryPointer.TestSets"/>.</summary>
    public int? TestSet { get; init; }

    /// <summary>The gate's line.</summary>
    public required string Line { get; init; }
}

/// <summary>A test set of a project: rows that are frozen; added or changed rows make another one.</summary>
/// <param name="Number">From 1, in the order of their first use.</param>
/// <param name="Id">As <see cref="EvaluationReport.TestSet"/> has it.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Uses">Versions that were measured on it: the more, the less its figures can be trusted.</param>
public sealed record TestSetEntry(int Number, string Id, int Rows, int Uses);

/// <summary>Where a version stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VersionState>))]
public enum VersionState
{
    /// <summary>Published, and neither promoted nor refused for being no better.</summary>
    [JsonStringEnumMemberName("candidate")]
    Candidate,

    /// <summary>The one in use.</summary>
    [JsonStringEnumMemberName("champion")]
    Champion,

    /// <summary>A former champion, or one that a person has retired.</summary>
    [JsonStringEnumMemberName("retired")]
    Retired,

    /// <summary>Not proven better by the gate.</summary>
    [JsonStringEnumMemberName("rejected")]
    Rejected,
}

/// <summary>Something that happened in the registry; kept for good.</summary>
/// <param name="At">When.</param>
/// <param name="Action">What.</param>
/// <param name="Version">The version it is about.</param>
/// <param name="ChampionBefore">The champion before it; <c>null</c>: none.</param>
/// <param name="ChampionAfter">The champion after it; <c>null</c>: none.</param>
/// <param name="Reason">Why: the gate's line, or what a person gave.</param>
public sealed record RegistryEvent(
    DateTimeOffset At,
    RegistryAction Action,
    int Version,
    int? ChampionBefore,
    int? ChampionAfter,
    string Reason
);

/// <summary>What happened to a version.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RegistryAction>))]
public enum RegistryAction
{
    /// <summary>A run has published it; the champion after it says whether the gate promoted it.</summary>
    [JsonStringEnumMemberName("published")]
    Published,

    /// <summary>A person has made it the champion.</summary>
    [JsonStringEnumMemberName("promoted")]
    Promoted,

    /// <summary>It was the champion, and the one before it is again.</summary>
    [JsonStringEnumMemberName("rolledBack")]
    RolledBack,

    /// <summary>A person has retired it.</summary>
    [JsonStringEnumMemberName("retired")]
    Retired,

    /// <summary>Its files were deleted.</summary>
    [JsonStringEnumMemberName("deleted")]
    Deleted,
}
