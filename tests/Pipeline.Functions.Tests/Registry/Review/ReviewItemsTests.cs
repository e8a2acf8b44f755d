using Pipeline.Contracts;
using Pipeline.Registry.Agreement;
using Pipeline.Registry.Feedback;
using Pipeline.Registry.Review;
using Pipeline.Reporting.Baselines;

namespace Pipeline.Functions.Tests.Registry.Review;

/// <summary>What is offered to people, in which order, and to whom.</summary>
public sealed class ReviewItemsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch;

    private static readonly CodeBookRule Thanks = new()
    {
        Id = "R1",
        Definition = "somebody says thank you",
        Label = "praise",
    };

    private static readonly CodeBookRule[] Rules =
    [
        .. ((string[])["clear", "vague", "other"]).Select(id => new CodeBookRule { Id = id, Definition = id }),
    ];

    private static FeedbackRecord Verdict(string text, string reviewer, string? answer, int score = 0) =>
        new()
        {
            Id = $"{text} {reviewer} {answer} {score}",
            Project = "reviewed",
            At = Now,
            Text = text,
            Correction = answer,
            Score = score,
            Reviewer = reviewer,
            HasKey = true,
        };

    private static IReadOnlyList<ReviewItem> Queue(
        ProjectSettings settings,
        IReadOnlyList<ReviewItem> rows,
        params FeedbackRecord[] verdicts
    )
    {
        var ledger = new VerdictLedger();
        foreach ((int place, FeedbackRecord verdict) in verdicts.Index())
        {
            ledger.Add(verdict, $"{place:D4}");
        }

        return ReviewItems.From(
            rows,
            [Answer("close", 0.1), Answer("sure", 0.9)],
            new ReviewVerdicts(ledger.Items(settings.Feedback), ledger.ThumbsDown(settings.Feedback)),
            settings
        );
    }

    private static AnswerRecord Answer(string text, double margin) =>
        new()
        {
            Id = $"v1-{text}",
            Version = 1,
            RowId = "a.csv#1",
            Text = text,
            Answer = "praise",
            Gold = "blame",
            Margin = margin,
            Base = "tiny",
        };

    private static ReviewItem Row(string text, ReviewKind kind, double teaches) =>
        new()
        {
            Id = ReviewItems.IdOf(text),
            Kind = kind,
            Text = text,
            Why = "",
            Teaches = teaches,
        };

    [Fact]
    public void Items_OfEveryKind_AreOfferedByWhatTheyTeachAndOnceEach()
    {
        var settings = new ProjectSettings
        {
            Rules = [Thanks],
            Review = new ReviewSettings { Overlap = 1 },
        };
        FeedbackRecord old = Verdict("ruled", "ann", "praise") with { Rule = "R1", RuleHash = "as it read once" };

        IReadOnlyList<ReviewItem> items = Queue(
            settings,
            [
                Row("open", ReviewKind.Unlabelled, 0.95),
                Row("open too", ReviewKind.Unlabelled, 0.2),
                Row("answered", ReviewKind.Unlabelled, 0.9),
                Row("made", ReviewKind.Synthetic, 0.5),
                Row("split", ReviewKind.Rejected, 0.5),
            ],
            Verdict("split", "ann", "praise"),
            Verdict("split", "ben", "blame"),
            old,
            Verdict("bad", "ann", null, score: -1),
            Verdict("good", "ann", null, score: 1),
            Verdict("answered", "ann", "praise")
        );

        Assert.Equal(
            [
                (ReviewKind.Disputed, "split"),
                (ReviewKind.ChangedRule, "ruled"),
                (ReviewKind.ThumbsDown, "bad"),
                (ReviewKind.SecondOpinion, "answered"),
                (ReviewKind.Unlabelled, "open"),
                (ReviewKind.LowMargin, "close"),
                (ReviewKind.Synthetic, "made"),
                (ReviewKind.Unlabelled, "open too"),
            ],
            items.Select(i => (i.Kind, i.Text))
        );
        Assert.Contains("ann: 'praise', ben: 'blame'", items[0].Why, StringComparison.Ordinal);
        Assert.Equal(("v1-close", "praise"), (items[5].AnswerId, items[5].Proposed));
        Assert.Null(items[4].Proposed);
    }

    /// <summary>What somebody without a key says takes no text off the queue, and no rule from what others agree
    /// on.</summary>
    [Fact]
    public void Items_AnsweredWithoutAKey_StayInTheQueue()
    {
        FeedbackRecord without = Verdict("open", "eve", "blame") with { HasKey = false, Rule = "R1", RuleHash = "x" };
        FeedbackRecord down = Verdict("bad", "ann", null, score: -1);
        FeedbackRecord fix = Verdict("bad", "eve", "blame") with { HasKey = false };

        IReadOnlyList<ReviewItem> items = Queue(
            new ProjectSettings { Rules = [Thanks] },
            [Row("open", ReviewKind.Unlabelled, 0.95)],
            without,
            down,
            fix
        );

        Assert.Equal(["bad", "open", "close"], items.Select(i => i.Text));
        Assert.Empty(ReviewerAgreement.ByRule(VerdictItems.From([without], new()), new ProjectSettings()));
    }

    /// <summary>Once somebody has answered under the rule as it reads now, the text is done.</summary>
    [Fact]
    public void ChangedRule_AnsweredAnew_LeavesTheQueue()
    {
        FeedbackRecord[] old =
        [
            .. ((string[])["ann", "ben"]).Select(r =>
                Verdict("ruled", r, "praise") with
                {
                    Rule = "R1",
                    RuleHash = "x",
                }
            ),
        ];
        var settings = new ProjectSettings
        {
            Rules = [Thanks],
            Review = new() { Overlap = 0 },
        };
        FeedbackRecord anew = Verdict("ruled", "ann", "praise") with
        {
            Id = "anew",
            Rule = "R1",
            RuleHash = Thanks.Hash(),
        };

        Assert.Equal(ReviewKind.ChangedRule, Queue(settings, [], old)[0].Kind);
        Assert.DoesNotContain(Queue(settings, [], [.. old, anew]), i => i.Text == "ruled");
    }

    [Fact]
    public void Overlap_OfATenth_GivesAboutATenthASecondReviewer()
    {
        FeedbackRecord[] verdicts = [.. Enumerable.Range(0, 1000).Select(i => Verdict($"text {i}", "ann", "praise"))];

        int second = Queue(new ProjectSettings(), [], verdicts).Count(i => i.Kind == ReviewKind.SecondOpinion);

        Assert.InRange(second, 70, 130);
    }

    [Fact]
    public void Rows_WithoutLabels_AreOrderedForVarietyAndThenByMargin()
    {
        string[] topics = ["the train was late again", "the soup was cold", "my parcel never came"];
        ReviewCandidate[] rows =
        [
            .. Enumerable
                .Range(0, 60)
                .Select(i => new ReviewCandidate(
                    ReviewKind.Unlabelled,
                    $"{topics[i < 50 ? 0 : i % 2 + 1]} on day {i}",
                    null,
                    $"a.csv#{i + 1}",
                    "it has no answer"
                )),
        ];

        IReadOnlyList<ReviewItem> first = RowOrder.From(rows, [], hasLabels: true);
        Assert.Equal(60, first.Count);
        Assert.Equal(3, first.Take(3).Select(i => topics.First(i.Text.StartsWith)).Distinct().Count());

        // Two topics are known well, of the third there are as many answers of one label as of the other.
        (string, string)[] answered =
        [
            .. Enumerable
                .Range(100, 120)
                .Select(i =>
                    (
                        $"{topics[i % 3]} on day {i}",
                        i % 3 == 0 ? "delay"
                        : i % 3 == 1 ? "food"
                        : i % 2 == 0 ? "delay"
                        : "food"
                    )
                ),
        ];
        IReadOnlyList<ReviewItem> then = RowOrder.From(rows, answered, hasLabels: true);
        ReviewItem[] unsure = [.. then.Where(i => i.Text.StartsWith(topics[2], StringComparison.Ordinal))];
        Assert.Equal(5, unsure.Length);
        Assert.True(unsure.Min(i => i.Teaches) > then.Except(unsure).Max(i => i.Teaches));
    }

    /// <summary>Of two topics of as many texts the one that the model does not know comes first.</summary>
    [Fact]
    public void Order_ByMargin_BeginsWithWhatTheModelIsUnsureOf()
    {
        string[] texts =
        [
            .. Enumerable.Range(0, 20).Select(i => $"the train was late on day {i}"),
            .. Enumerable.Range(0, 20).Select(i => $"my parcel never came in week {i}"),
        ];
        double[] margins = [.. Enumerable.Range(0, 40).Select(i => i < 20 ? 0.9 : 0.1)];

        IReadOnlyList<int> order = LearningOrder.ByMargin(texts, [], 40, margins);

        Assert.InRange(order[0], 20, 39);
        Assert.True(order.Take(20).Count(i => i >= 20) > 12, string.Join(' ', order));
        Assert.Equal(40, order.Distinct().Count());
        Assert.Equal(0.5, LearningOrder.Margin([0.2f, 0.7f, 0.1f]), 5);
    }

    [Fact]
    public void Leases_OfTwoReviewers_NeverMeetAndEnd()
    {
        string[] items = ["a", "b", "c", "d"];
        var minute = TimeSpan.FromMinutes(1);
        (ReviewLeases leases, IReadOnlyList<string> ann) = LeaseTable.Take(new([]), items, "ann", 2, Now, minute);
        (leases, IReadOnlyList<string> ben) = LeaseTable.Take(leases, items, "ben", 2, Now, minute);
        Assert.Equal(["a", "b"], ann);
        Assert.Equal(["c", "d"], ben);
        Assert.Equal("ann", LeaseTable.HeldByOther(leases, "a", "ben", Now)!.Reviewer);

        // what she has comes first, whatever came before it meanwhile
        (leases, ann) = LeaseTable.Take(leases, ["new", .. items], "ann", 2, Now, minute);
        Assert.Equal(["a", "b"], ann);

        leases = LeaseTable.Return(leases, "a", "ann", isSkipped: true, Now);
        (leases, ann) = LeaseTable.Take(leases, items, "ann", 2, Now, minute);
        Assert.Equal(["b"], ann);
        (_, ben) = LeaseTable.Take(leases, items, "ben", 3, Now, minute);
        Assert.Equal(["a", "c", "d"], ben);

        (_, ben) = LeaseTable.Take(leases, items, "ben", 4, Now + minute, minute);
        Assert.Equal(items, ben);
    }

    [Fact]
    public void CodeBook_ThatChanges_KnowsWhatWasAnsweredUnderTheOldRule()
    {
        CodeBookRule wider = Thanks with { Definition = "somebody is content" };
        CodeBookHistory history = new CodeBookHistory([]).With([Thanks], Now).With([Thanks], Now).With([wider], Now);
        Assert.Equal([1, 2], history.Versions.Select(v => v.Version));
        FeedbackRecord[] verdicts =
        [
            Verdict("old", "ann", "praise") with
            {
                Rule = "R1",
                RuleHash = Thanks.Hash(),
            },
            Verdict("new", "ann", "praise") with
            {
                Rule = "R1",
                RuleHash = wider.Hash(),
            },
        ];

        CodeBookReport report = CodeBookReport.From(
            history,
            VerdictItems.From(verdicts, new()),
            new ProjectSettings { Rules = [wider] }
        );

        OutdatedVote outdated = Assert.Single(report.Outdated);
        Assert.Equal(
            ("old", "ann", "R1", 1),
            (outdated.Text, outdated.Reviewer, outdated.Rule, outdated.CodeBookVersion)
        );
        Assert.Equal((2, "R1", 1), (report.Version, report.Agreement[0].Rule, report.Agreement[0].Items));
    }

    /// <summary>Two rules: reviewers agree on one, and toss a coin on the other.</summary>
    [Fact]
    public void Agreement_ByRule_TellsTheUnclearOne()
    {
        var random = new Random(1);
        FeedbackRecord[] verdicts =
        [
            .. Enumerable
                .Range(0, 60)
                .SelectMany(i =>
                    ((string[])["ann", "ben"]).Select(reviewer =>
                    {
                        string rule =
                            i % 2 == 0 ? "clear"
                            : random.Next(2) == 0 ? "vague"
                            : "other";
                        return Verdict($"text {i}", reviewer, rule == "vague" ? "blame" : "praise") with
                        {
                            Rule = rule,
                            RuleHash = Rules.First(r => r.Id == rule).Hash(),
                        };
                    })
                ),
        ];

        IReadOnlyList<RuleAgreement> rules = ReviewerAgreement.ByRule(
            VerdictItems.From(verdicts, new()),
            new ProjectSettings { Rules = Rules }
        );

        Assert.Equal(["clear", "other", "vague"], rules.Select(r => r.Rule));
        Assert.Equal((1.0, false, 30), (rules[0].KrippendorffAlpha, rules[0].IsUnclear, rules[0].SharedItems));
        Assert.True(rules[2].IsUnclear, $"{rules[2]}");
        Assert.False(
            ReviewerAgreement
                .ByRule(
                    VerdictItems.From(verdicts, new()),
                    new()
                    {
                        Rules = Rules,
                        Review = new() { AgreementRows = 61 },
                    }
                )[2]
                .IsUnclear
        );
    }
}
