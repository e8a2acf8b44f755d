namespace Pipeline.Contracts;

/// <summary>How far the reviewers of a project agree on the right answers.</summary>
public sealed record AgreementReport
{
    /// <summary>Texts with a correction.</summary>
    public required int Items { get; init; }

    /// <summary>Of them those that two reviewers or more have corrected; the figures are of these.</summary>
    public required int SharedItems { get; init; }

    /// <summary>Texts that the project's policy leaves undecided; they train nothing.</summary>
    public required int Disputed { get; init; }

    /// <summary>1 is full agreement, 0 chance; <c>null</c>: there is nothing to compare.</summary>
    public double? FleissKappa { get; init; }

    /// <summary>The same for any number of reviewers an item.</summary>
    public double? KrippendorffAlpha { get; init; }
    public required IReadOnlyList<LabelAgreement> ByLabel { get; init; }

    /// <summary>For each rule of the code book that a vote names.</summary>
    public required IReadOnlyList<RuleAgreement> ByRule { get; init; }
    public required IReadOnlyList<PairAgreement> Pairs { get; init; }
    public required IReadOnlyList<ReviewerShare> Reviewers { get; init; }
}

/// <summary>Agreement on one label against all others.</summary>
/// <param name="Label">The label.</param>
/// <param name="Items">Items that at least one reviewer gave it.</param>
/// <param name="KrippendorffAlpha">1 is full agreement, 0 chance; <c>null</c>: nothing to compare.</param>
public sealed record LabelAgreement(string Label, int Items, double? KrippendorffAlpha);

/// <summary>Agreement on a rule of the code book: that it applies, and what it gives.</summary>
/// <param name="Rule">The rule's id.</param>
/// <param name="Items">Texts that a vote answers under it.</param>
/// <param name="SharedItems">Those of them that two reviewers or more have answered under rules.</param>
/// <param name="KrippendorffAlpha">Over all texts that two reviewers or more have answered under rules; 1 is full
/// agreement, 0 chance; <c>null</c>: nothing to compare.</param>
/// <param name="IsUnclear">Whether that is below <c>review.minimumAgreement</c>: its rows train nothing.</param>
public sealed record RuleAgreement(string Rule, int Items, int SharedItems, double? KrippendorffAlpha, bool IsUnclear);

/// <summary>Agreement of two reviewers.</summary>
/// <param name="First">One.</param>
/// <param name="Second">The other.</param>
/// <param name="Items">Items that both have answered.</param>
/// <param name="CohenKappa">1 is full agreement, 0 chance; <c>null</c>: both used one and the same label only.</param>
public sealed record PairAgreement(string First, string Second, int Items, double? CohenKappa);

/// <summary>How often a reviewer contradicts the rest.</summary>
/// <param name="Reviewer">Who.</param>
/// <param name="Items">Items on which the others have one answer more than any other.</param>
/// <param name="Contradicting">Items on which the reviewer gives another answer.</param>
/// <param name="ContradictsTheRest">Whether that is more than the others do (one-sided binomial test at 1 %).</param>
public sealed record ReviewerShare(string Reviewer, int Items, int Contradicting, bool ContradictsTheRest);
