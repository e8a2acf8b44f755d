using MathNet.Numerics.Distributions;
using Pipeline.Contracts;
using Pipeline.Registry.Feedback;

namespace Pipeline.Registry.Agreement;

/// <summary>How far a project's reviewers agree: over all, by label, in pairs, and who contradicts the rest.</summary>
public static class ReviewerAgreement
{
    private const double Suspicious = 0.01;

    /// <summary>What a text's answer is called where the text is not to be learned.</summary>
    public const string NotLearned = "(not to be learned)";

    /// <summary>Measures on the items that two reviewers or more have answered.</summary>
    public static AgreementReport Measure(IReadOnlyList<VerdictItem> items, ProjectSettings settings)
    {
        ArgumentNullException.ThrowIfNull(items);
        List<VerdictItem> shared = [.. items.Where(i => i.Votes.Count > 1)];
        IReadOnlyList<string>[] labels = [.. shared.Select(i => (IReadOnlyList<string>)[.. i.Votes.Select(Shown)])];
        return new AgreementReport
        {
            Items = items.Count,
            SharedItems = shared.Count,
            Disputed = items.Count(i => i.Answer is null),
            FleissKappa = AgreementStatistics.Fleiss(labels),
            KrippendorffAlpha = AgreementStatistics.Krippendorff(labels),
            ByLabel = [.. ByLabel(labels)],
            ByRule = ByRule(items, settings),
            Pairs = [.. Pairs(shared)],
            Reviewers = [.. Reviewers(shared)],
        };
    }

    /// <summary>
    /// Agreement on each rule: a vote says that it applies and what it gives, or that it does not apply; over all texts
    /// that two reviewers or more have answered under rules as they read now, so that chance is measured on the whole
    /// code book.
    /// </summary>
    public static IReadOnlyList<RuleAgreement> ByRule(IReadOnlyList<VerdictItem> items, ProjectSettings settings)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(settings);
        ReviewSettings review = settings.Review;
        Dictionary<string, string> rules = CodeBookRule.Hashes(settings.Rules);
        ReviewerVote[][] ruled = [.. items.Select(i => i.Votes.Where(v => IsCurrent(v, rules)).ToArray())];
        ReviewerVote[][] shared = [.. ruled.Where(v => v.Length > 1)];
        return
        [
            .. ruled
                .SelectMany(v => v)
                .Select(v => v.Rule!)
                .Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
                .Select(rule =>
                {
                    int both = shared.Count(votes => votes.Any(v => v.Rule == rule));
                    double? alpha = AgreementStatistics.Krippendorff([
                        .. shared.Select(votes =>
                            (IReadOnlyList<string>)[.. votes.Select(v => v.Rule == rule ? $"gives {v.Answer}" : "")]
                        ),
                    ]);
                    return new RuleAgreement(
                        rule,
                        ruled.Count(votes => votes.Any(v => v.Rule == rule)),
                        both,
                        alpha,
                        both >= review.AgreementRows && alpha < review.MinimumAgreement
                    );
                }),
        ];
    }

    /// <summary>Whether a vote names a rule that still reads as it did.</summary>
    public static bool IsCurrent(ReviewerVote vote, IReadOnlyDictionary<string, string> rules)
    {
        ArgumentNullException.ThrowIfNull(vote);
        ArgumentNullException.ThrowIfNull(rules);
        return vote.Rule is { } rule && rules.GetValueOrDefault(rule) == vote.RuleHash;
    }

    private static string Shown(ReviewerVote vote) => vote.Answer.Length == 0 ? NotLearned : vote.Answer;

    /// <summary>Alpha of each label against all others.</summary>
    private static IEnumerable<LabelAgreement> ByLabel(IReadOnlyList<string>[] labels) =>
        labels
            .SelectMany(l => l)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .Select(label => new LabelAgreement(
                label,
                labels.Count(l => l.Contains(label)),
                AgreementStatistics.Krippendorff([
                    .. labels.Select(l => (IReadOnlyList<string>)[.. l.Select(v => v == label ? label : "")]),
                ])
            ));

    private static IEnumerable<PairAgreement> Pairs(List<VerdictItem> shared)
    {
        string[] names =
        [
            .. shared.SelectMany(i => i.Votes).Select(v => v.Reviewer ?? "").Distinct().Order(StringComparer.Ordinal),
        ];
        foreach ((int at, string first) in names.Index())
        {
            foreach (string second in names.Skip(at + 1))
            {
                List<(string, string)> pairs =
                [
                    .. shared
                        .Select(i => (Answer(i, first), Answer(i, second)))
                        .Where(p => p.Item1 is not null && p.Item2 is not null)
                        .Select(p => (p.Item1!, p.Item2!)),
                ];
                if (pairs.Count > 0)
                {
                    yield return new PairAgreement(
                        Name(first),
                        Name(second),
                        pairs.Count,
                        AgreementStatistics.Cohen(pairs)
                    );
                }
            }
        }
    }

    /// <summary>
    /// Each reviewer's share of answers that differ from what most of the others say; suspicious where that share is
    /// greater than that of all others together (one-sided binomial test at 1 %).
    /// </summary>
    private static IEnumerable<ReviewerShare> Reviewers(List<VerdictItem> shared)
    {
        List<(string Reviewer, bool Contradicts)> answers = [.. shared.SelectMany(AgainstTheOthers)];
        foreach (
            IGrouping<string, (string Reviewer, bool Contradicts)> reviewer in answers
                .GroupBy(a => a.Reviewer, StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
        )
        {
            int count = reviewer.Count();
            int contradicting = reviewer.Count(a => a.Contradicts);
            List<(string Reviewer, bool Contradicts)> rest = [.. answers.Where(a => a.Reviewer != reviewer.Key)];
            // One contradiction is counted in, so that a share of 0 is not taken for certain.
            double usual = (rest.Count(a => a.Contradicts) + 1.0) / (rest.Count + 2.0);
            double p = contradicting == 0 ? 1 : 1 - Binomial.CDF(usual, count, contradicting - 1);
            yield return new ReviewerShare(Name(reviewer.Key), count, contradicting, p < Suspicious);
        }
    }

    /// <summary>Each vote on an item whose other votes have one answer more than any other.</summary>
    private static IEnumerable<(string Reviewer, bool Contradicts)> AgainstTheOthers(VerdictItem item)
    {
        foreach (ReviewerVote vote in item.Votes)
        {
            List<(string Answer, int Votes)> others =
            [
                .. item
                    .Votes.Where(v => v != vote)
                    .CountBy(v => v.Answer, StringComparer.Ordinal)
                    .Select(c => (c.Key, c.Value))
                    .OrderByDescending(c => c.Value),
            ];
            if (others.Count == 1 || others[0].Votes > others[1].Votes)
            {
                yield return (vote.Reviewer ?? "", vote.Answer != others[0].Answer);
            }
        }
    }

    private static string? Answer(VerdictItem item, string reviewer) =>
        item.Votes.FirstOrDefault(v => (v.Reviewer ?? "") == reviewer)?.Answer;

    private static string Name(string reviewer) => reviewer.Length == 0 ? "(without a key)" : reviewer;
}
