using Pipeline.Contracts;
using Pipeline.Registry.Agreement;
using Pipeline.Registry.Feedback;

namespace Pipeline.Registry.Review;

/// <summary>The code book's versions: what its rules said when.</summary>
/// <param name="Versions">Oldest first; the last is the current one.</param>
public sealed record CodeBookHistory(IReadOnlyList<CodeBookVersion> Versions)
{
    /// <summary>The history with the rules as they are now; itself where they are not new.</summary>
    public CodeBookHistory With(IReadOnlyList<CodeBookRule> rules, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(rules);
        IReadOnlyList<CodeBookRule> before = Versions.Count == 0 ? [] : Versions[^1].Rules;
        return before.Select(r => r.Hash()).SequenceEqual(rules.Select(r => r.Hash()))
            ? this
            : new CodeBookHistory([.. Versions, new CodeBookVersion(Versions.Count + 1, now, rules)]);
    }
}

/// <summary>A version of the code book.</summary>
/// <param name="Version">From 1.</param>
/// <param name="At">When it was first seen.</param>
/// <param name="Rules">Its rules.</param>
public sealed record CodeBookVersion(int Version, DateTimeOffset At, IReadOnlyList<CodeBookRule> Rules);

/// <summary>The code book with what was answered under it.</summary>
public sealed record CodeBookReport
{
    /// <summary>The current version; 0: there are no rules.</summary>
    public required int Version { get; init; }
    public required IReadOnlyList<CodeBookRule> Rules { get; init; }
    public required IReadOnlyList<RuleAgreement> Agreement { get; init; }

    /// <summary>Votes under rules that read otherwise now, or are gone.</summary>
    public required IReadOnlyList<OutdatedVote> Outdated { get; init; }
    public required IReadOnlyList<CodeBookVersion> History { get; init; }

    /// <summary>Makes the report.</summary>
    /// <param name="history">All versions.</param>
    /// <param name="items">What people have said.</param>
    /// <param name="settings">The project's.</param>
    public static CodeBookReport From(
        CodeBookHistory history,
        IReadOnlyList<VerdictItem> items,
        ProjectSettings settings
    )
    {
        ArgumentNullException.ThrowIfNull(history);
        ArgumentNullException.ThrowIfNull(items);
        IReadOnlyList<CodeBookRule> rules = history.Versions.Count == 0 ? [] : history.Versions[^1].Rules;
        Dictionary<string, string> hashes = CodeBookRule.Hashes(rules);
        return new CodeBookReport
        {
            Version = history.Versions.Count,
            Rules = rules,
            Agreement = ReviewerAgreement.ByRule(items, settings),
            Outdated =
            [
                .. items.SelectMany(i =>
                    i.Votes.Where(v => v.Rule is not null && !ReviewerAgreement.IsCurrent(v, hashes))
                        .Select(v => new OutdatedVote(
                            ReviewItems.IdOf(i.Text),
                            i.Text,
                            v.Reviewer,
                            v.Rule!,
                            VersionOf(history, v)
                        ))
                ),
            ],
            History = history.Versions,
        };
    }

    /// <summary>The last version in which the rule read as it did for a vote.</summary>
    private static int? VersionOf(CodeBookHistory history, ReviewerVote vote) =>
        history.Versions.LastOrDefault(v => v.Rules.Any(r => r.Id == vote.Rule && r.Hash() == vote.RuleHash))?.Version;
}

/// <summary>A vote under a rule that reads otherwise now, or is gone.</summary>
/// <param name="Item">The text's id in the review queue.</param>
/// <param name="Text">The text.</param>
/// <param name="Reviewer">Who; <c>null</c>: without a key.</param>
/// <param name="Rule">The rule.</param>
/// <param name="CodeBookVersion">The last version of the code book with the rule as it read then; <c>null</c>: it is
/// not
/// known.</param>
public sealed record OutdatedVote(string Item, string Text, string? Reviewer, string Rule, int? CodeBookVersion);
