using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>What people look at, and how long a run waits for them.</summary>
public sealed record ReviewSettings
{
    /// <summary>
    /// Whether the files hold texts without answers: a run on them waits until people have given enough in the review
    /// queue. Default false.
    /// </summary>
    [Description("whether the files hold texts without answers, which people give in the review queue")]
    public bool Unlabelled { get; init; }

    /// <summary>Texts that reviewers with a key must have answered before such a run trains. 20 to 1,000,000.</summary>
    [Range(20, 1_000_000)]
    [Description("texts that reviewers with a key must have answered before a run on texts without answers trains")]
    public int Rows { get; init; } = 200;

    /// <summary>How long such a run waits, in hours. 1 to 8,760 (a year); default 336 (two weeks).</summary>
    [Range(1, 8_760)]
    [Description("how long such a run waits, in hours")]
    public int WaitHours { get; init; } = 336;

    /// <summary>What becomes of it then.</summary>
    [Description("what becomes of it when it has waited so long")]
    public DeadlinePolicy AtDeadline { get; init; }

    /// <summary>How long a reviewer has an item for himself, in minutes. 1 to 1,440; default 15.</summary>
    [Range(1, 1_440)]
    [Description("how long a reviewer has an item of the queue alone, in minutes")]
    public int LeaseMinutes { get; init; } = 15;

    /// <summary>Share of the answered texts that a second reviewer gets too. 0 to 1; default 0.1.</summary>
    [Range(0.0, 1.0)]
    [Description("share of the answered texts that a second reviewer answers too, so that agreement can be measured")]
    public double Overlap { get; init; } = 0.1;

    /// <summary>
    /// Krippendorff's alpha below which the rows answered under a rule are held out. 0 to 1; default 0.667
    /// (Krippendorff
    /// 2004, section 11.4.2: the lowest from which conclusions are drawn).
    /// </summary>
    [Range(0.0, 1.0)]
    [Description(
        "agreement (Krippendorff's alpha) below which rows answered under a rule of the code book train nothing"
    )]
    public double MinimumAgreement { get; init; } = 0.667;

    /// <summary>Texts that two reviewers must share before a rule's agreement counts. 2 to 10,000; default
    /// 20.</summary>
    [Range(2, 10_000)]
    [Description("texts that two reviewers must have answered under rules before a rule's agreement counts")]
    public int AgreementRows { get; init; } = 20;
}

/// <summary>What becomes of a run that has waited for people to its deadline.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DeadlinePolicy>))]
public enum DeadlinePolicy
{
    [JsonStringEnumMemberName("stop")]
    [Description("it fails, and can be resumed")]
    Stop,

    [JsonStringEnumMemberName("train")]
    [Description("it trains on what was answered, where that is enough for a dataset")]
    Train,
}

/// <summary>A rule of the code book: when an answer is given.</summary>
public sealed record CodeBookRule
{
    /// <summary>By which reviewers name it; 1 to 40 letters, digits, hyphens, points.</summary>
    [RegularExpression(@"[A-Za-z0-9][A-Za-z0-9.-]{0,39}", ErrorMessage = "use 1 to 40 letters, digits, '-' and '.'")]
    [Description("by which reviewers name it")]
    public required string Id { get; init; }

    /// <summary>When it applies, in words.</summary>
    [Description("when it applies, in words")]
    public required string Definition { get; init; }

    /// <summary>The label that it gives; <c>null</c>: it gives none of itself.</summary>
    [Description("the label that it gives")]
    public string? Label { get; init; }

    /// <summary>Texts to which it applies.</summary>
    [Description("texts to which it applies")]
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>The hashes of rules by their ids.</summary>
    public static Dictionary<string, string> Hashes(IEnumerable<CodeBookRule> rules) =>
        rules.ToDictionary(r => r.Id, r => r.Hash(), StringComparer.Ordinal);

    /// <summary>The same for the same words: 12 hexadecimal digits of the SHA-256 of all that the rule says.</summary>
    public string Hash() => ContentHash.ShortOf([Id, Definition, Label ?? "", .. Examples])[..12];
}
