using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>How what several people say of one text becomes one answer.</summary>
public sealed record FeedbackSettings
{
    /// <summary>How opposed corrections of one text are decided; a tie trains nothing.</summary>
    [Description("how opposed corrections of one text are decided; what stays undecided trains nothing")]
    public VerdictPolicy Policy { get; init; }

    /// <summary>What a reviewer's vote weighs by name, above 0 to 100; others weigh 1.</summary>
    [Description("what a reviewer's vote weighs, by name, under the policy weighted; others weigh 1")]
    public IReadOnlyList<ReviewerWeight> Weights { get; init; } = [];

    /// <summary>Whose correction decides under the policy <c>adjudicator</c>.</summary>
    [Description("whose correction decides under the policy adjudicator")]
    public string? Adjudicator { get; init; }

    /// <summary>Verdicts that one reviewer may send a day (UTC); all without a key are one reviewer.</summary>
    [OmittedByDefault]
    [Range(1, 45_000)]
    [Description("verdicts that one reviewer may send a day (UTC); all without a key count as one reviewer")]
    public int ReviewerPerDay { get; init; } = 5_000;

    /// <summary>
    /// Verdicts that a project takes a day (UTC); an append blob has 50,000 blocks, some for withdrawals.
    /// </summary>
    [OmittedByDefault]
    [Range(1, 45_000)]
    [Description("verdicts that the project takes a day (UTC)")]
    public int ProjectPerDay { get; init; } = 20_000;
}

/// <summary>What a reviewer's vote weighs.</summary>
public sealed record ReviewerWeight
{
    [Description("the reviewer")]
    public required string Name { get; init; }

    [Range(0.0, 100.0, MinimumIsExclusive = true)]
    [Description("what the vote weighs")]
    public double Weight { get; init; } = 1;
}

/// <summary>How opposed corrections of one text are decided.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VerdictPolicy>))]
public enum VerdictPolicy
{
    [JsonStringEnumMemberName("majority")]
    [Description("the answer that more reviewers gave than any other")]
    Majority,

    [JsonStringEnumMemberName("weighted")]
    [Description("the answer whose reviewers weigh more than those of any other")]
    Weighted,

    [JsonStringEnumMemberName("unanimous")]
    [Description("the answer that all reviewers gave")]
    Unanimous,

    [JsonStringEnumMemberName("adjudicator")]
    [Description("the adjudicator's answer; without one the answer that all gave")]
    Adjudicator,
}
