namespace Pipeline.Contracts;

/// <summary>
/// <c>registry/{project}.json</c>, moved under an ETag: which versions exist and which one is the champion.
/// </summary>
public sealed record RegistryPointer
{
    public int SchemaVersion { get; init; } = 1;
    public required string Project { get; init; }

    /// <summary>The champion's version; <c>null</c> before the first promotion.</summary>
    public int? Champion { get; init; }

    /// <summary>Versions by run id, allotted before the adapter is written.</summary>
    public IReadOnlyDictionary<string, int> Allotted { get; init; } = new Dictionary<string, int>();

    /// <summary>Versions that are whole and may be listed.</summary>
    public IReadOnlyList<int> Published { get; init; } = [];

    /// <summary>By published version what was decided of it, in words: asked again, the same is said.</summary>
    public IReadOnlyDictionary<int, string> Decisions { get; init; } = new Dictionary<int, string>();

    /// <summary>By published version where it stands and what it is made of; none of before 2026-11-29.</summary>
    public IReadOnlyDictionary<int, VersionEntry> Versions { get; init; } = new Dictionary<int, VersionEntry>();

    /// <summary>Versions whose files were deleted; their numbers are not given again.</summary>
    public IReadOnlyList<int> Deleted { get; init; } = [];

    /// <summary>All that happened, oldest first; only added to.</summary>
    public IReadOnlyList<RegistryEvent> History { get; init; } = [];

    /// <summary>The project's test sets, oldest first.</summary>
    public IReadOnlyList<TestSetEntry> TestSets { get; init; } = [];

    /// <summary>Feedback ids that a retraining has used; of before 2026-11-30.</summary>
    public IReadOnlyList<string> UsedFeedback { get; init; } = [];

    /// <summary>The place in the log of verdicts up to which a published version has used them.</summary>
    public string? UsedFeedbackThrough { get; init; }
}
