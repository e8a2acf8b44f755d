namespace Pipeline.Contracts;

/// <summary>
/// A person's verdict on an answer: a line of <c>feedback/{project}/log/{day}.jsonl</c>, which is only added to; before
/// 2026-11-30 a blob <c>feedback/{project}/{id}.json</c>.
/// </summary>
public sealed record FeedbackRecord
{
    public int SchemaVersion { get; init; } = 1;

    /// <summary>Derived from the content: the same verdict twice is one.</summary>
    public required string Id { get; init; }
    public required string Project { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>The answer's id, where the system has given it; text, answer and version are then its own.</summary>
    public string? AnswerId { get; init; }

    /// <summary>The text that was answered.</summary>
    public string? Text { get; init; }

    /// <summary>The answer that the verdict is on; <c>null</c>: not known.</summary>
    public string? Answer { get; init; }

    /// <summary>The run whose answer it was.</summary>
    public string? RunId { get; init; }

    /// <summary>The version whose answer it was, such as <c>v3</c>.</summary>
    public string? AdapterVersion { get; init; }

    /// <summary>-1 thumb down, 0 neither, 1 thumb up.</summary>
    public required int Score { get; init; }

    /// <summary>The right answer. Only a verdict with text and correction becomes a training row.</summary>
    public string? Correction { get; init; }

    /// <summary>The rule of the code book that the reviewer applied, by its id; <c>null</c>: none was named.</summary>
    public string? Rule { get; init; }

    /// <summary>What the rule said then (<see cref="CodeBookRule.Hash"/>).</summary>
    public string? RuleHash { get; init; }

    /// <summary>Whether the row of the text is not to be learned; needs a key.</summary>
    public bool Excludes { get; init; }

    /// <summary>The row of a dataset on which the reviewer has decided in the queue; <c>null</c>: none.</summary>
    public string? RowId { get; init; }

    /// <summary>Several answers to the text, the best first; <c>null</c>: none were ranked.</summary>
    public IReadOnlyList<string>? Ranking { get; init; }

    /// <summary>What the person remarked; at most 2,000 characters.</summary>
    public string? Comment { get; init; }

    /// <summary>The id of a verdict that counts no more; <c>null</c>: this is a verdict itself.</summary>
    public string? Withdraws { get; init; }

    /// <summary>
    /// Who said so: whom a key names (<see cref="HasKey"/>), else a name or number of the caller's choice; at most 200
    /// characters.
    /// </summary>
    public string? Reviewer { get; init; }

    /// <summary>Whether a key names the reviewer; all those without one count as one person.</summary>
    public bool HasKey { get; init; }
}
