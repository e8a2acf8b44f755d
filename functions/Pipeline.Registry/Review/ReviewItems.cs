using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Registry.Agreement;
using Pipeline.Registry.Feedback;

namespace Pipeline.Registry.Review;

/// <summary>
/// What is left for people to decide, in the order in which it is offered: first what people do not agree on, then rows
/// and answers by what they teach.
/// </summary>
public static class ReviewItems
{
    /// <summary>Answers of the champion whose margin is smaller are offered.</summary>
    private const double SmallMargin = 0.3;
    private const double TeachesByRule = 0.8;
    private const double TeachesBySecondOpinion = 0.3;

    /// <summary>An item's id.</summary>
    public static string IdOf(string text) => ContentHash.ShortOf(TextKey.From(text));

    /// <summary>The queue.</summary>
    /// <param name="rows">Rows of the newest dataset, in their order (<see cref="RowOrder"/>).</param>
    /// <param name="answers">The champion's answers.</param>
    /// <param name="verdicts">What people have said.</param>
    /// <param name="settings">The project's.</param>
    public static IReadOnlyList<ReviewItem> From(
        IReadOnlyList<ReviewItem> rows,
        IReadOnlyList<AnswerRecord> answers,
        ReviewVerdicts verdicts,
        ProjectSettings settings
    )
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(answers);
        ArgumentNullException.ThrowIfNull(verdicts);
        ArgumentNullException.ThrowIfNull(settings);
        Dictionary<string, string> rules = settings.Rules.ToDictionary(
            r => r.Id,
            r => r.Hash(),
            StringComparer.Ordinal
        );
        HashSet<string> answered = [.. verdicts.Items.Where(IsAnswered).Select(i => IdOf(i.Text))];
        IEnumerable<ReviewItem> all =
        [
            .. ByTeaching(verdicts.Items.Where(i => i.Answer is null).Select(Disputed)),
            .. ByTeaching(verdicts.Items.Select(i => ChangedRule(i, rules)).OfType<ReviewItem>()),
            .. ByTeaching(verdicts.ThumbsDown.Select(ThumbsDown)),
            .. ByTeaching(verdicts.Items.Where(i => WantsSecondOpinion(i, settings.Review)).Select(SecondOpinion)),
            .. Merged([
                    [.. ByTeaching(answers.Select(LowMargin).OfType<ReviewItem>())],
                    .. rows.GroupBy(r => r.Kind).OrderBy(g => g.Key).Select(g => g.ToList()),
                ])
                .Where(i => !answered.Contains(i.Id)),
        ];
        return [.. all.DistinctBy(i => i.Id, StringComparer.Ordinal)];
    }

    /// <summary>Whether a reviewer with a key has answered a text; what others say takes none off the queue.</summary>
    public static bool IsAnswered(VerdictItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return item.Votes.Any(v => v.Reviewer is not null);
    }

    /// <summary>Several lists as one: each next item is the one of the list whose first teaches most.</summary>
    private static IEnumerable<ReviewItem> Merged(IReadOnlyList<IReadOnlyList<ReviewItem>> lists)
    {
        int[] at = new int[lists.Count];
        while (true)
        {
            int next = -1;
            for (int i = 0; i < lists.Count; i++)
            {
                if (at[i] < lists[i].Count && (next < 0 || lists[i][at[i]].Teaches > lists[next][at[next]].Teaches))
                {
                    next = i;
                }
            }

            if (next < 0)
            {
                yield break;
            }

            yield return lists[next][at[next]++];
        }
    }

    private static IEnumerable<ReviewItem> ByTeaching(IEnumerable<ReviewItem> items) =>
        items.OrderByDescending(i => i.Teaches).ThenBy(i => i.Id, StringComparer.Ordinal);

    /// <summary>What teaches most is where the votes are spread most evenly: their entropy over its maximum.</summary>
    private static ReviewItem Disputed(VerdictItem item)
    {
        double[] shares =
        [
            .. item
                .Votes.CountBy(v => v.Answer, StringComparer.Ordinal)
                .Select(c => (double)c.Value / item.Votes.Count),
        ];
        double entropy = shares.Length < 2 ? 0 : -shares.Sum(s => s * Math.Log(s)) / Math.Log(shares.Length);
        string votes = string.Join(
            ", ",
            item.Votes.Select(v =>
                $"{v.Reviewer ?? "without a key"}: {(v.Answer.Length == 0 ? "not to be learned" : $"'{v.Answer}'")}"
            )
        );
        return Item(item, ReviewKind.Disputed, entropy, $"reviewers do not agree ({votes})");
    }

    /// <summary>What nobody has answered under the rules as they read now.</summary>
    private static ReviewItem? ChangedRule(VerdictItem item, Dictionary<string, string> rules)
    {
        ReviewerVote[] ruled = [.. item.Votes.Where(v => v.Rule is not null)];
        return ruled.Length == 0 || ruled.Any(v => ReviewerAgreement.IsCurrent(v, rules))
            ? null
            : Item(
                item,
                ReviewKind.ChangedRule,
                TeachesByRule,
                $"{ruled[0].Reviewer} answered it under rule '{ruled[0].Rule}', which "
                    + (rules.ContainsKey(ruled[0].Rule!) ? "reads otherwise now" : "is gone")
            ) with
            {
                Proposed = ruled[0].Answer.Length == 0 ? null : ruled[0].Answer,
            };
    }

    private static ReviewItem ThumbsDown(ThumbedText text) =>
        new()
        {
            Id = IdOf(text.Text),
            Kind = ReviewKind.ThumbsDown,
            Text = text.Text,
            Why =
                $"{text.Down} thumb{(text.Down == 1 ? "" : "s")} down, {text.Up} up"
                + (text.Answer is null ? "" : $", for '{text.Answer}'"),
            Teaches = Math.Round((double)text.Down / (text.Down + text.Up), 3),
            AnswerId = text.AnswerId,
        };

    /// <summary>A share of the texts that one reviewer with a key has answered, drawn by their hashes.</summary>
    private static bool WantsSecondOpinion(VerdictItem item, ReviewSettings review) =>
        item.Answer is not null
        && item.Votes.Count(v => v.Reviewer is not null) == 1
        && Convert.ToUInt32(IdOf(item.Text)[..8], 16) < review.Overlap * ((double)uint.MaxValue + 1);

    private static ReviewItem SecondOpinion(VerdictItem item) =>
        Item(
            item,
            ReviewKind.SecondOpinion,
            TeachesBySecondOpinion,
            "one reviewer has answered it; a second answer measures how far reviewers agree"
        );

    private static ReviewItem? LowMargin(AnswerRecord answer) =>
        answer is not { Margin: { } margin and < SmallMargin, Turns: 1 }
            ? null
            : new()
            {
                Id = IdOf(answer.Text),
                Kind = ReviewKind.LowMargin,
                Text = answer.Text,
                Proposed = answer.Answer,
                Why = string.Create(
                    CultureInfo.InvariantCulture,
                    $"v{answer.Version} gives its two likeliest labels probabilities that differ by {margin:0.00}"
                        + $"; the data says '{answer.Gold}'"
                ),
                Teaches = Math.Round(1 - margin, 3),
                RowId = answer.RowId,
                AnswerId = answer.Id,
            };

    private static ReviewItem Item(VerdictItem item, ReviewKind kind, double teaches, string why) =>
        new()
        {
            Id = IdOf(item.Text),
            Kind = kind,
            Text = item.Text,
            Why = why,
            Teaches = Math.Round(teaches, 3),
        };
}

/// <summary>What people have said of a project's texts.</summary>
/// <param name="Items">Texts that somebody has answered.</param>
/// <param name="ThumbsDown">Texts whose answers somebody did not like, and to which nobody has given one.</param>
public sealed record ReviewVerdicts(IReadOnlyList<VerdictItem> Items, IReadOnlyList<ThumbedText> ThumbsDown);
