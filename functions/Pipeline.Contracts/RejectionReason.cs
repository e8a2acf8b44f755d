using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>The reason codes in <c>rejected.jsonl</c> and the manifest. A code is never renamed.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RejectionReason>))]
public enum RejectionReason
{
    /// <summary>The text column is empty.</summary>
    [JsonStringEnumMemberName("missing_text")]
    MissingText,

    /// <summary>The label column is empty.</summary>
    [JsonStringEnumMemberName("missing_label")]
    MissingLabel,

    /// <summary>The label is neither in the code book nor an alias of one that is.</summary>
    [JsonStringEnumMemberName("unknown_label")]
    UnknownLabel,

    /// <summary>The row has more than one label; one is learned.</summary>
    [JsonStringEnumMemberName("several_labels")]
    SeveralLabels,

    /// <summary>Nothing of the row is to be learned: every answer is marked as context.</summary>
    [JsonStringEnumMemberName("nothing_to_learn")]
    NothingToLearn,

    /// <summary>
    /// The answer is not of the form that the task learns: for extraction a JSON object that names no key twice.
    /// </summary>
    [JsonStringEnumMemberName("invalid_answer")]
    InvalidAnswer,

    /// <summary>The row does not fit into <c>validation.maxTokens</c>; it is never cut.</summary>
    [JsonStringEnumMemberName("too_long")]
    TooLong,

    /// <summary>The row cannot be read: columns missing or too many, broken JSON.</summary>
    [JsonStringEnumMemberName("malformed")]
    Malformed,

    /// <summary>Bytes that are not UTF-8.</summary>
    [JsonStringEnumMemberName("invalid_text")]
    InvalidText,

    /// <summary>The same text stands elsewhere with another label.</summary>
    [JsonStringEnumMemberName("conflicting_label")]
    ConflictingLabel,

    /// <summary>A person has corrected the row's answer; the correction stands in its place.</summary>
    [JsonStringEnumMemberName("corrected")]
    Corrected,

    /// <summary>Nearly the same text stands in the test set, or elsewhere where near-duplicates are dropped.</summary>
    [JsonStringEnumMemberName("near_duplicate")]
    NearDuplicate,

    /// <summary>The generator and the check of a synthetic row do not agree on its label; a person decides.</summary>
    [JsonStringEnumMemberName("label_disputed")]
    LabelDisputed,

    /// <summary>The row was withdrawn; nothing of its content is kept.</summary>
    [JsonStringEnumMemberName("withdrawn")]
    Withdrawn,

    /// <summary>The row was answered under a rule of the code book on which the reviewers do not agree.</summary>
    [JsonStringEnumMemberName("rule_unclear")]
    RuleUnclear,

    /// <summary>A person marked the answer as one that is not to be learned.</summary>
    [JsonStringEnumMemberName("disapproved")]
    Disapproved,

    /// <summary>The same text with the same label stands elsewhere.</summary>
    [JsonStringEnumMemberName("duplicate")]
    Duplicate,
}
