namespace Pipeline.Contracts;

/// <summary>
/// A message or a drop that nobody could work with: where it lies now, and why. Never the text of a row.
/// </summary>
public sealed record DeadLetter
{
    public required string Id { get; init; }

    /// <summary>When, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The poison queue that holds it.</summary>
    public required string Queue { get; init; }

    /// <summary>What it was: a message's id, a blob's name.</summary>
    public required string What { get; init; }

    /// <summary>What was wrong with it, for people.</summary>
    public required string Reason { get; init; }

    /// <summary>The message in the poison queue; <c>null</c>: noted by a version that did not say.</summary>
    public string? MessageId { get; init; }
}
