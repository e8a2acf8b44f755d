namespace Pipeline.Contracts;

/// <summary>A person's verdict on an answer: <c>feedback/{project}/{id}.json</c>.</summary>
public sealed record FeedbackRecord
{
    public int SchemaVersion { get; init; } = 1;

    /// <summary>Derived from the content: the same verdict twice is one.</summary>
    public required string Id { get; init; }
    public required string Project { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>The text that was answered.</summary>
    public string? Text { get; init; }

    /// <summary>The run whose answer it was.</summary>
    public string? RunId { get; init; }
    public string? AdapterVersion { get; init; }

    /// <summary>-1 thumb down, 0 neither, 1 thumb up.</summary>
    public required int Score { get; init; }

    /// <summary>The right answer. Only a verdict with text and correction becomes a training row.</summary>
    public string? Correction { get; init; }

    /// <summary>
    /// Who said so: whom a key names (<see cref="HasKey"/>), else a name or number of the caller's choice; at most 200
    /// characters.
    /// </summary>
    public string? Reviewer { get; init; }

    /// <summary>Whether a key names the reviewer; all those without one count as one person.</summary>
    public bool HasKey { get; init; }
}
