using Pipeline.Contracts;

namespace Pipeline.Registry.Feedback;

/// <summary>A text and what people say is its right answer.</summary>
/// <param name="Text">The text.</param>
/// <param name="Votes">
/// One vote a reviewer, the newest; all without a key count as one, and only where nobody with a key has voted.
/// </param>
/// <param name="Answer">The answer by the project's policy; <c>null</c>: it is disputed, and trains nothing; empty: the
/// text is not to be learned.</param>
public sealed record VerdictItem(string Text, IReadOnlyList<ReviewerVote> Votes, string? Answer)
{
    /// <summary>Whether the text is not to be learned.</summary>
    public bool IsExcluded => Answer?.Length == 0;

    /// <summary>Rules of the code book that those name whose vote is the answer.</summary>
    public IEnumerable<string> Rules =>
        Votes.Where(v => v.Answer == Answer).Select(v => v.Rule).OfType<string>().Distinct(StringComparer.Ordinal);

    /// <summary>Whether a key names somebody whose vote is the answer.</summary>
    public bool IsNamed => Votes.Any(v => v.Reviewer is not null && v.Answer == Answer);

    /// <summary>Names of those whose vote is the answer, for the training row; <c>null</c>: none gave one.</summary>
    public string? Reviewers()
    {
        string[] names =
        [
            .. Votes.Where(v => v.Answer == Answer).Select(v => v.Reviewer ?? v.GivenName).OfType<string>(),
        ];
        return names.Length == 0 ? null : string.Join(", ", names);
    }
}

/// <summary>What one reviewer says is the right answer to a text.</summary>
/// <param name="Reviewer">Whom a key names; <c>null</c>: all those without a key, as one.</param>
/// <param name="Answer">The right answer; empty: the text is not to be learned.</param>
/// <param name="FeedbackId">The feedback that says it.</param>
/// <param name="At">When it was said.</param>
/// <param name="Place">Where it stands in the log, in ordinal order; empty: before there was one.</param>
public sealed record ReviewerVote(
    string? Reviewer,
    string Answer,
    string FeedbackId,
    DateTimeOffset At,
    string Place = ""
)
{
    /// <summary>The name that somebody without a key has given.</summary>
    public string? GivenName { get; init; }

    /// <summary>The rule of the code book that the reviewer named, and what it said then.</summary>
    public string? Rule { get; init; }
    public string? RuleHash { get; init; }
}

/// <summary>Verdicts to items: whose vote counts, and what the votes come to.</summary>
public static class VerdictItems
{
    /// <summary>Gathers the corrections by text, in the ordinal order of the texts.</summary>
    /// <param name="feedback">All feedback of a project.</param>
    /// <param name="settings">The project's policy.</param>
    public static IReadOnlyList<VerdictItem> From(IEnumerable<FeedbackRecord> feedback, FeedbackSettings settings)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        ArgumentNullException.ThrowIfNull(settings);
        var ledger = new VerdictLedger();
        foreach (FeedbackRecord record in feedback.OrderBy(f => f.At).ThenBy(f => f.Id, StringComparer.Ordinal))
        {
            ledger.Add(record, "");
        }

        return ledger.Items(settings);
    }

    /// <summary>Corrected texts that are decided and have a vote that no retraining has used.</summary>
    public static IReadOnlyList<VerdictItem> Waiting(IEnumerable<VerdictItem> items, RegistryPointer registry)
    {
        ArgumentNullException.ThrowIfNull(registry);
        HashSet<string> used = [.. registry.UsedFeedback];
        bool IsNew(ReviewerVote vote) =>
            string.CompareOrdinal(vote.Place, registry.UsedFeedbackThrough ?? "") > 0
            || (registry.UsedFeedbackThrough is null && !used.Contains(vote.FeedbackId));
        return [.. items.Where(i => i.Answer is not null && i.Votes.Any(IsNew))];
    }

    /// <summary>The item of a text; <c>null</c>: nobody corrects it.</summary>
    internal static VerdictItem? From(string text, IEnumerable<PlacedVerdict> verdicts, FeedbackSettings settings)
    {
        List<PlacedVerdict> all = [.. verdicts];
        if (!all.Exists(v => FeedbackVerdict.Teaches(v.Record)))
        {
            return null;
        }

        List<ReviewerVote> votes = [.. Votes(all)];
        // Where somebody with a key has voted, those without one have no say.
        List<ReviewerVote> counted = votes.Exists(v => v.Reviewer is not null)
            ? votes.FindAll(v => v.Reviewer is not null)
            : votes;
        return new VerdictItem(text, votes, Decide(counted, settings));
    }

    /// <summary>The thumbs on a text's answers; <c>null</c>: none is down, or the text is not known.</summary>
    internal static ThumbedText? Thumbs(PlacedVerdict[] verdicts)
    {
        string? text = verdicts.Select(v => v.Record.Text?.Trim()).FirstOrDefault(t => t?.Length > 0);
        FeedbackRecord? down = verdicts.LastOrDefault(v => v.Record.Score < 0)?.Record;
        return text is null || down is null
            ? null
            : new ThumbedText(
                text,
                verdicts.Count(v => v.Record.Score < 0),
                verdicts.Count(v => v.Record.Score > 0),
                down.Answer,
                down.AnswerId
            );
    }

    /// <summary>
    /// One vote a reviewer, the newest of all versions' answers, in the order of their names; those without a key
    /// first, as one. A thumb up of a known answer is a vote for it.
    /// </summary>
    private static IEnumerable<ReviewerVote> Votes(List<PlacedVerdict> verdicts) =>
        verdicts
            .Select(v => (v.Record, v.Place, Answer: AnswerOf(v.Record)))
            .Where(v => v.Answer is not null)
            .GroupBy(v => v.Record.HasKey ? v.Record.Reviewer! : "", StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g =>
                g.OrderBy(v => v.Place, StringComparer.Ordinal)
                    .ThenBy(v => v.Record.At)
                    .ThenBy(v => v.Record.Id, StringComparer.Ordinal)
                    .Last()
            )
            .Select(v => new ReviewerVote(
                v.Record.HasKey ? v.Record.Reviewer : null,
                v.Answer!,
                v.Record.Id,
                v.Record.At,
                v.Place
            )
            {
                GivenName = v.Record.HasKey ? null : v.Record.Reviewer,
                Rule = v.Record.HasKey ? v.Record.Rule : null,
                RuleHash = v.Record.HasKey ? v.Record.RuleHash : null,
            });

    /// <summary>What a verdict says is right; empty: nothing of the text is; <c>null</c>: it says nothing.</summary>
    private static string? AnswerOf(FeedbackRecord verdict) =>
        verdict.Excludes ? "" : Corrected(verdict) ?? Confirmed(verdict);

    private static string? Corrected(FeedbackRecord verdict) =>
        verdict.Correction?.Trim() is { Length: > 0 } answer ? answer : null;

    private static string? Confirmed(FeedbackRecord verdict) =>
        verdict.Score > 0 && verdict.Answer?.Trim() is { Length: > 0 } answer ? answer : null;

    private static string? Decide(List<ReviewerVote> votes, FeedbackSettings settings) =>
        settings.Policy switch
        {
            VerdictPolicy.Majority => Heaviest(votes, _ => 1),
            VerdictPolicy.Weighted => Heaviest(
                votes,
                v => settings.Weights.FirstOrDefault(w => w.Name == v.Reviewer)?.Weight ?? 1
            ),
            VerdictPolicy.Adjudicator
                when votes.Find(v => v.Reviewer is not null && v.Reviewer == settings.Adjudicator) is { } decided =>
                decided.Answer,
            _ => votes.TrueForAll(v => v.Answer == votes[0].Answer) ? votes[0].Answer : null,
        };

    /// <summary>The answer that weighs more than every other; <c>null</c>: two weigh the same.</summary>
    private static string? Heaviest(List<ReviewerVote> votes, Func<ReviewerVote, double> weight)
    {
        (string Answer, double Weight)[] answers =
        [
            .. votes
                .GroupBy(v => v.Answer, StringComparer.Ordinal)
                .Select(g => (g.Key, g.Sum(weight)))
                .OrderByDescending(a => a.Item2),
        ];
        return answers.Length == 1 || answers[0].Weight > answers[1].Weight ? answers[0].Answer : null;
    }
}
