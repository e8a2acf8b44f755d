using System.ComponentModel;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>
/// <c>adapters/{project}/v{N}/gate.json</c>: whether a version became the champion, by which checks, in words and as
/// data.
/// </summary>
public sealed record GateVerdict
{
    public int SchemaVersion { get; init; } = 1;
    public required int Version { get; init; }

    /// <summary>The champion at that time; <c>null</c>: there was none.</summary>
    public int? Champion { get; init; }

    /// <summary>Whether the version became the champion.</summary>
    public required bool Promote { get; init; }

    /// <summary>The decision and its reason in one line.</summary>
    public required string Line { get; init; }

    /// <summary>Every check, in the order of their weight.</summary>
    public required IReadOnlyList<GateCheck> Checks { get; init; }
}

/// <summary>One check of the gate.</summary>
/// <param name="Rule">What was compared.</param>
/// <param name="Passed">Whether it lets the version through.</param>
/// <param name="Detail">The figures, for people.</param>
public sealed record GateCheck(GateRule Rule, bool Passed, string Detail)
{
    /// <summary>The label whose rows were compared; <c>null</c>: all rows.</summary>
    public string? Label { get; init; }

    /// <summary>New minus old, a fraction; <c>null</c>: there was nothing to compare.</summary>
    public PairedDifference? Difference { get; init; }

    /// <summary>What the lower bound must exceed.</summary>
    public double Limit { get; init; }
}

/// <summary>What a check of the gate compares a version with.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GateRule>))]
public enum GateRule
{
    /// <summary>The champion, over all rows that both answered: better.</summary>
    [JsonStringEnumMemberName("champion")]
    Champion,

    /// <summary>The champion, on the rows of one label: not worse by more than the margin.</summary>
    [JsonStringEnumMemberName("label")]
    Label,

    /// <summary>The base: better. Of a first version only.</summary>
    [JsonStringEnumMemberName("base")]
    Base,

    /// <summary>The strongest of what needs no language model: better.</summary>
    [JsonStringEnumMemberName("baseline")]
    Baseline,

    /// <summary>
    /// The champion, or the base where that has not answered it, on the guard set: not worse by more than the margin.
    /// </summary>
    [JsonStringEnumMemberName("guard")]
    Guard,
}

/// <summary>What becomes of a version that is not proven better than a baseline without a language model.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BaselinePolicy>))]
public enum BaselinePolicy
{
    [JsonStringEnumMemberName("candidate")]
    [Description("it is published and does not become the champion")]
    Candidate,

    [JsonStringEnumMemberName("champion")]
    [Description("it may become the champion; the report says it all the same")]
    Champion,
}
