using Pipeline.Contracts;
using Pipeline.Registry.Feedback;
using Pipeline.Registry.Retraining;

namespace Pipeline.Functions.Tests.Registry.Feedback;

public sealed class FeedbackVerdictTests
{
    private static FeedbackRecord Verdict(string? text, int score, string? correction, string? runId = null) =>
        new()
        {
            Id = "",
            Project = "",
            At = DateTimeOffset.UnixEpoch,
            Text = text,
            Score = score,
            Correction = correction,
            RunId = runId,
        };

    [Fact]
    public void Check_Faults_AreAllInOneMessage()
    {
        (FeedbackRecord? kept, string? fault) = FeedbackVerdict.Check(Verdict(null, 7, "x"), "p", []);

        Assert.Null(kept);
        Assert.Contains("'text'", fault, StringComparison.Ordinal);
        Assert.Contains("'score' is 7", fault, StringComparison.Ordinal);
        Assert.Contains("a 'correction' needs", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_SameVerdictTwice_HasOneId()
    {
        string First(string text) => FeedbackVerdict.Check(Verdict(text, -1, "neutral"), "p", []).Verdict!.Id;

        Assert.Equal(First("a"), First("a"));
        Assert.NotEqual(First("a"), First("b"));
    }

    [Fact]
    public void Check_CorrectionThatIsNoLabel_IsRefusedByName()
    {
        string? Fault(string correction) =>
            FeedbackVerdict.Check(Verdict("a", -1, correction), "p", ["negative", "neutral"]).Fault;

        Assert.Equal(
            "'positiv' is no label of 'p': negative, neutral; a new one is added under labels in project.yaml",
            Fault("positiv")
        );
        Assert.Null(Fault(" Neutral "));
    }

    [Theory]
    [InlineData("takes 2 to 10 answers", "one")]
    [InlineData("names an answer twice", "one", "one")]
    [InlineData("takes 2 to 10 answers", "one", " ")]
    [InlineData(null, "one", "two")]
    public void Check_Ranking_IsOfSeveralDifferentAnswers(string? fault, params string[] ranking)
    {
        string? found = FeedbackVerdict.Check(Verdict("a", 0, null) with { Ranking = ranking }, "p", []).Fault;

        Assert.Equal(fault is null, found is null);
        Assert.Contains(fault ?? "", found ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Waiting_CorrectionsThatWereUsed_AreLeftOut()
    {
        IReadOnlyList<VerdictItem> items = VerdictItems.From(
            [
                Verdict("a", -1, "x") with
                {
                    Id = "1",
                },
                Verdict("b", -1, "x") with
                {
                    Id = "2",
                },
                Verdict("c", 1, null) with
                {
                    Id = "3",
                },
            ],
            new FeedbackSettings()
        );

        IReadOnlyList<VerdictItem> waiting = VerdictItems.Waiting(
            items,
            new RegistryPointer { Project = "p", UsedFeedback = ["1"] }
        );

        Assert.Equal(["b"], waiting.Select(i => i.Text));
        Assert.True(RetrainingPolicy.IsDueByCount(50, new()));
        Assert.False(RetrainingPolicy.IsDueByCount(49, new()));
        Assert.False(RetrainingPolicy.IsDueByCount(1000, new() { FeedbackCount = 0 }));
        Assert.True(RetrainingPolicy.IsDueBySchedule(1, new()));
    }
}
