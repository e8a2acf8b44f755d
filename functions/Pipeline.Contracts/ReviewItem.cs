using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>A text of the review queue, for a person to decide on.</summary>
public sealed record ReviewItem
{
    /// <summary>Of the text: 16 hexadecimal digits; a text stands once in the queue.</summary>
    public required string Id { get; init; }
    public required ReviewKind Kind { get; init; }
    public required string Text { get; init; }

    /// <summary>The answer that can be accepted; <c>null</c>: there is none, so that nobody is led.</summary>
    public string? Proposed { get; init; }

    /// <summary>Why it is in the queue, in words.</summary>
    public required string Why { get; init; }

    /// <summary>What an answer to it would teach, 0 to 1: what a model or people are unsure of it.</summary>
    public required double Teaches { get; init; }

    /// <summary>The row of the newest dataset that it is of; <c>null</c>: none.</summary>
    public string? RowId { get; init; }

    /// <summary>The published version's answer that it is about; <c>null</c>: none.</summary>
    public string? AnswerId { get; init; }

    /// <summary>Whose it is until <see cref="LeasedUntil"/>; <c>null</c>: nobody's.</summary>
    public string? LeasedTo { get; init; }
    public DateTimeOffset? LeasedUntil { get; init; }
}

/// <summary>Why a text is in the queue; in this order they are offered.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReviewKind>))]
public enum ReviewKind
{
    [JsonStringEnumMemberName("disputed")]
    [Description("reviewers give different answers, and the policy leaves it undecided")]
    Disputed,

    [JsonStringEnumMemberName("changed-rule")]
    [Description("it was answered under a rule of the code book that reads otherwise now")]
    ChangedRule,

    [JsonStringEnumMemberName("thumbs-down")]
    [Description("somebody is not content with the answer and has given no other")]
    ThumbsDown,

    [JsonStringEnumMemberName("second-opinion")]
    [Description("one reviewer has answered it; a second one does, so that agreement can be measured")]
    SecondOpinion,

    [JsonStringEnumMemberName("low-margin")]
    [Description("the champion's two likeliest labels are nearly as likely")]
    LowMargin,

    [JsonStringEnumMemberName("unlabelled")]
    [Description("a row without an answer")]
    Unlabelled,

    [JsonStringEnumMemberName("rejected")]
    [Description("a rejected row of which a person can make a good one")]
    Rejected,

    [JsonStringEnumMemberName("synthetic")]
    [Description("a synthetic row that nobody has checked")]
    Synthetic,
}

/// <summary>What a person decides on an item of the queue.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ReviewDecision>))]
public enum ReviewDecision
{
    [JsonStringEnumMemberName("accept")]
    [Description("the proposed answer is right")]
    Accept,

    [JsonStringEnumMemberName("edit")]
    [Description("another answer is right")]
    Edit,

    [JsonStringEnumMemberName("reject")]
    [Description("the text is not to be learned")]
    Reject,

    [JsonStringEnumMemberName("skip")]
    [Description("somebody else may decide; the reviewer does not get it again for a day")]
    Skip,
}

/// <summary>Which items of a project's queue reviewers have for themselves:
/// <c>feedback/{project}/leases.json</c>.</summary>
public sealed record ReviewLeases(IReadOnlyList<ReviewLease> Leases);

/// <summary>An item that a reviewer has, or does not want.</summary>
/// <param name="Item">The item's id.</param>
/// <param name="Reviewer">Who.</param>
/// <param name="Until">Until when.</param>
/// <param name="IsSkipped">Whether the reviewer has skipped it: then others may have it.</param>
public sealed record ReviewLease(string Item, string Reviewer, DateTimeOffset Until, bool IsSkipped);
