using Pipeline.Contracts;
using Pipeline.Registry.Agreement;
using Pipeline.Registry.Feedback;

namespace Pipeline.Functions.Tests.Registry.Feedback;

public sealed class VerdictItemsTests
{
    /// <summary>Votes as NAME=ANSWER in the order of time; a name in brackets has no key.</summary>
    [Theory]
    [InlineData(VerdictPolicy.Majority, "ann=a ben=a eve=b", "a")]
    [InlineData(VerdictPolicy.Majority, "ann=a ben=b", null)]
    [InlineData(VerdictPolicy.Majority, "ann=a ann=b", "b")] // the newest of one reviewer
    [InlineData(VerdictPolicy.Majority, "ann=a ben=a (x)=b (y)=b (z)=b", "a")] // without a key, one person
    [InlineData(VerdictPolicy.Majority, "ann=a ben=b eve=c ida=a", "a")]
    [InlineData(VerdictPolicy.Weighted, "ann=a ben=b eve=b", "a")] // ann weighs 3
    [InlineData(VerdictPolicy.Weighted, "ann=a ben=b eve=b ida=b", null)]
    [InlineData(VerdictPolicy.Unanimous, "ann=a ben=a", "a")]
    [InlineData(VerdictPolicy.Unanimous, "ann=a ben=a eve=b", null)]
    [InlineData(VerdictPolicy.Adjudicator, "ann=a ben=a eve=b", "b")] // eve decides
    [InlineData(VerdictPolicy.Adjudicator, "ann=a ben=b", null)]
    [InlineData(VerdictPolicy.Adjudicator, "ann=a ben=a", "a")]
    [InlineData(VerdictPolicy.Adjudicator, "ann=a ben=a (eve)=b", "a")] // anybody can say that she is eve
    [InlineData(VerdictPolicy.Majority, "ann=a (x)=b", "a")] // nor has anybody else a say beside a key
    public void From_Votes_AreDecidedByThePolicy(VerdictPolicy policy, string votes, string? answer)
    {
        VerdictItem item = Assert.Single(
            VerdictItems.From(
                Feedback("text", votes),
                new FeedbackSettings
                {
                    Policy = policy,
                    Weights = [new ReviewerWeight { Name = "ann", Weight = 3 }],
                    Adjudicator = "eve",
                }
            )
        );

        Assert.Equal(answer, item.Answer);
    }

    [Fact]
    public void Reviewers_OfARow_AreThoseWhoseVoteIsTheAnswer() =>
        Assert.Equal(
            "clerk 7, ann, eve",
            Assert.Single(VerdictItems.From(Feedback("text", "ann=a eve=a ben=b (clerk_7)=a"), new())).Reviewers()
        );

    [Fact]
    public void Measure_OneReviewerWhoIsOftenWrong_IsShown()
    {
        var random = new Random(5);
        List<FeedbackRecord> feedback =
        [
            .. Enumerable
                .Range(0, 60)
                .SelectMany(i =>
                {
                    string right = i % 2 == 0 ? "yes" : "no";
                    string Or(double share) => random.NextDouble() < share ? (right == "yes" ? "no" : "yes") : right;
                    return Feedback($"text {i}", $"ann={Or(0.05)} ben={Or(0.05)} eve={Or(0.6)} ida={Or(0.05)}");
                }),
        ];

        AgreementReport report = ReviewerAgreement.Measure(VerdictItems.From(feedback, new()), new());

        Assert.Equal((60, 60), (report.Items, report.SharedItems));
        Assert.Equal(["eve"], report.Reviewers.Where(r => r.ContradictsTheRest).Select(r => r.Reviewer));
        Assert.Equal(6, report.Pairs.Count);
        Assert.True(report.Pairs.Single(p => (p.First, p.Second) == ("ann", "ben")).CohenKappa > 0.6);
        Assert.True(report.Pairs.Single(p => (p.First, p.Second) == ("ann", "eve")).CohenKappa < 0.2);
        Assert.Equal(["no", "yes"], report.ByLabel.Select(l => l.Label));
        Assert.Equal(report.FleissKappa!.Value, report.KrippendorffAlpha!.Value, 0.02);
    }

    [Fact]
    public void Measure_OneReviewer_HasNothingToCompare()
    {
        AgreementReport report = ReviewerAgreement.Measure(VerdictItems.From(Feedback("text", "ann=a"), new()), new());

        Assert.Equal((1, 0, 0), (report.Items, report.SharedItems, report.Disputed));
        Assert.Null(report.KrippendorffAlpha);
        Assert.Empty(report.Reviewers);
    }

    private static IEnumerable<FeedbackRecord> Feedback(string text, string votes) =>
        votes
            .Split(' ')
            .Select(
                (vote, i) =>
                {
                    string[] parts = vote.Split('=');
                    bool hasKey = !parts[0].StartsWith('(');
                    return new FeedbackRecord
                    {
                        Id = $"{text} {i}",
                        Project = "p",
                        At = DateTimeOffset.UnixEpoch.AddMinutes(i),
                        Text = text,
                        Score = -1,
                        Correction = parts[1],
                        Reviewer = parts[0].Trim('(', ')').Replace('_', ' '),
                        HasKey = hasKey,
                    };
                }
            );
}
