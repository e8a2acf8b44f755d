using Pipeline.Contracts;

namespace Pipeline.Registry.Feedback;

/// <summary>A text and what people say is its right answer.</summary>
/// <param name="Text">The text.</param>
/// <param name="Votes">One vote a reviewer, the newest; all without a key count as one.</param>
/// <param name="Answer">The answer by the project's policy; <c>null</c>: it is disputed, and trains nothing.</param>
public sealed record VerdictItem(string Text, IReadOnlyList<ReviewerVote> Votes, string? Answer)
{
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
/// <param name="Answer">The right answer.</param>
/// <param name="FeedbackId">The feedback that says it.</param>
/// <param name="At">When it was said.</param>
public sealed record ReviewerVote(string? Reviewer, string Answer, string FeedbackId, DateTimeOffset At)
{
    /// <summary>The name that somebody without a key has given.</summary>
    public string? GivenName { get; init; }
}

/// <summary>Feedback to items: whose vote counts, and what the votes come to.</summary>
public static class VerdictItems
{
    /// <summary>Gathers the corrections by text, in the ordinal order of the texts.</summary>
    /// <param name="feedback">All feedback of a project.</param>
    /// <param name="settings">The project's policy.</param>
    public static IReadOnlyList<VerdictItem> From(IEnumerable<FeedbackRecord> feedback, FeedbackSettings settings)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        ArgumentNullException.ThrowIfNull(settings);
        return
        [
            .. feedback
                .Where(FeedbackVerdict.Teaches)
                .GroupBy(f => f.Text!.Trim(), StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g =>
                {
                    List<ReviewerVote> votes = [.. Newest(g)];
                    return new VerdictItem(g.Key, votes, Decide(votes, settings));
                }),
        ];
    }

    /// <summary>One vote a reviewer, in the order of their names; those without a key first, as one.</summary>
    private static IEnumerable<ReviewerVote> Newest(IEnumerable<FeedbackRecord> feedback) =>
        feedback
            .GroupBy(f => f.HasKey ? f.Reviewer! : "", StringComparer.Ordinal)
            .OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.OrderBy(f => f.At).ThenBy(f => f.Id, StringComparer.Ordinal).Last())
            .Select(f => new ReviewerVote(f.HasKey ? f.Reviewer : null, f.Correction!.Trim(), f.Id, f.At)
            {
                GivenName = f.HasKey ? null : f.Reviewer,
            });

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
