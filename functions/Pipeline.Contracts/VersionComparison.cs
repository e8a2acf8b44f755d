using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>Two versions of a project side by side, on the same held-out rows.</summary>
public sealed record VersionComparison
{
    public required string Project { get; init; }

    /// <summary>The older version.</summary>
    public required VersionEntry Older { get; init; }

    /// <summary>The newer version.</summary>
    public required VersionEntry Newer { get; init; }

    /// <summary>Which is better, by how much and on what, in a sentence.</summary>
    public required string Line { get; init; }

    /// <summary>What the gate would say if the older one were the champion today.</summary>
    public required string Gate { get; init; }

    /// <summary>Held-out rows that both answered; all figures here are of these.</summary>
    public required int Rows { get; init; }

    /// <summary>What the scores are, such as <c>accuracy</c>.</summary>
    public required string ScoreName { get; init; }
    public required ComparedScore OlderScore { get; init; }
    public required ComparedScore NewerScore { get; init; }

    /// <summary>Newer minus older; <c>null</c>: no row was answered by both.</summary>
    public PairedDifference? Difference { get; init; }

    /// <summary>The same label by label; empty without labels.</summary>
    public required IReadOnlyList<ComparedLabel> Labels { get; init; }

    /// <summary>
    /// What the gate says of the newer one's guard set, against the older one; <c>null</c>: it has none.
    /// </summary>
    public GateCheck? Guard { get; init; }

    /// <summary>Rows on which the newer version scores higher, the first of them.</summary>
    public required IReadOnlyList<ComparedRow> Won { get; init; }

    /// <summary>Rows on which the older version scores higher, the first of them.</summary>
    public required IReadOnlyList<ComparedRow> Lost { get; init; }

    /// <summary>
    /// Of the rows compared, those that the older version was trained on: it knows them, so its figures are too good;
    /// <c>null</c>: its dataset is gone.
    /// </summary>
    public int? RowsOlderWasTrainedOn { get; init; }

    /// <summary>Whether the older version has answered all rows that the newer one was measured on.</summary>
    public OlderAnswers OlderAnswers { get; init; }

    /// <summary>Why it could not answer them; <c>null</c>: it could, or nobody has asked for it.</summary>
    public string? Fault { get; init; }

    /// <summary>What differs in what they are made of.</summary>
    public required IReadOnlyList<VersionChange> Changes { get; init; }

    /// <summary>What a reader should know of the comparison.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}

/// <summary>Whether the older of two versions has answered all rows that the newer one was measured on.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OlderAnswers>))]
public enum OlderAnswers
{
    /// <summary>It has.</summary>
    [JsonStringEnumMemberName("complete")]
    Complete,

    /// <summary>Only some, or none.</summary>
    [JsonStringEnumMemberName("partial")]
    Partial,

    /// <summary>A worker lets it answer them, or will.</summary>
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>A worker could not let it answer them.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,
}

/// <summary>A score on the rows compared, 0 to 1, with its 95 % bootstrap interval.</summary>
public sealed record ComparedScore(double Score, Interval Interval);

/// <summary>The rows of one label.</summary>
/// <param name="Label">The right label.</param>
/// <param name="Rows">How many.</param>
/// <param name="Older">Share that the older version has right.</param>
/// <param name="Newer">Share that the newer version has right.</param>
/// <param name="Difference">Newer minus older.</param>
public sealed record ComparedLabel(string Label, int Rows, double Older, double Newer, PairedDifference Difference);

/// <summary>A held-out row that the versions answered differently.</summary>
/// <param name="Id">The row's id.</param>
/// <param name="Text">What was asked; <c>null</c>: its dataset is gone.</param>
/// <param name="Gold">The right answer.</param>
/// <param name="Older">The older version's answer.</param>
/// <param name="Newer">The newer version's answer.</param>
public sealed record ComparedRow(string Id, string? Text, string Gold, string Older, string Newer);

/// <summary>Something that differs between two versions.</summary>
/// <param name="Area">Of what it is.</param>
/// <param name="Name">What differs, such as <c>training.epochs</c>.</param>
/// <param name="Older">In the older version; <c>null</c>: it is not there.</param>
/// <param name="Newer">In the newer version; <c>null</c>: it is not there.</param>
public sealed record VersionChange(ChangeArea Area, string Name, string? Older, string? Newer);

/// <summary>Of what a difference is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ChangeArea>))]
public enum ChangeArea
{
    [JsonStringEnumMemberName("data")]
    Data,

    [JsonStringEnumMemberName("settings")]
    Settings,

    [JsonStringEnumMemberName("base")]
    Base,

    [JsonStringEnumMemberName("code")]
    Code,
}
