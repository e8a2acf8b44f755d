namespace Pipeline.Contracts;

/// <summary>An answer that a published version gave, under an id by which verdicts name it.</summary>
public sealed record AnswerRecord
{
    /// <summary>Such as <c>v3-0123456789abcdef</c>: the version, and the hash of what was asked.</summary>
    public required string Id { get; init; }
    public required int Version { get; init; }

    /// <summary>The held-out row that was asked.</summary>
    public required string RowId { get; init; }

    /// <summary>What was asked, last where there were several turns.</summary>
    public required string Text { get; init; }

    /// <summary>Questions up to the answer: of a conversation with several, answers are not corrected.</summary>
    public int Turns { get; init; } = 1;

    /// <summary>The version's answer.</summary>
    public required string Answer { get; init; }

    /// <summary>The answer that the data says is right.</summary>
    public required string Gold { get; init; }

    /// <summary>
    /// For labels, the likelihood of the answer against all labels, 0 to 1; <c>null</c> for free answers.
    /// </summary>
    public double? Probability { get; init; }

    /// <summary>
    /// For labels, how much likelier the likeliest is than the second, 0 to 1; <c>null</c> for free answers.
    /// </summary>
    public double? Margin { get; init; }

    public required string Base { get; init; }

    /// <summary>SHA-256 of <c>template.json</c>, the form of the prompt; <c>null</c>: it is gone.</summary>
    public string? TemplateSha256 { get; init; }

    /// <summary>SHA-256 of the version's training settings.</summary>
    public string? SettingsSha256 { get; init; }
}
