namespace Pipeline.Contracts;

/// <summary>
/// One row of <c>train.jsonl</c>, <c>validation.jsonl</c> or <c>test.jsonl</c>: a dialogue that ends in the answer to
/// learn.
/// </summary>
public sealed record Example
{
    /// <summary>Stable within a dataset: source name, then the row's ordinal in it.</summary>
    public required string Id { get; init; }

    /// <summary>Messages in order; the last one is the assistant's.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>
    /// The dialogue rendered by the template, for people to read. Training encodes <see cref="Messages"/>, never this
    /// text.
    /// </summary>
    public required string Text { get; init; }

    /// <summary>The gold label for classification, else <c>null</c>.</summary>
    public string? Label { get; init; }

    /// <summary>Where the row came from.</summary>
    public required RowPlace Source { get; init; }

    /// <summary>Who said or checked the answer, as the row names them; <c>null</c>: it does not.</summary>
    public string? Reviewer { get; init; }

    /// <summary>Values that were replaced, by type; <c>null</c>: none.</summary>
    public IReadOnlyDictionary<string, int>? Replaced { get; init; }

    /// <summary>Who made the row, where no person did.</summary>
    public SyntheticOrigin? Synthetic { get; init; }
}
