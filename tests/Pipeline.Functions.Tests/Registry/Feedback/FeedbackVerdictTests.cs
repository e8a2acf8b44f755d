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

    private static readonly Dictionary<string, string> AnyAnswer = [];
    private static readonly Dictionary<string, string> Labels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["negative"] = "negative",
        ["neutral"] = "neutral",
        ["neu"] = "neutral",
    };

    [Fact]
    public void Check_Faults_AreAllInOneMessage()
    {
        (FeedbackRecord? kept, string? fault) = FeedbackVerdict.Check(Verdict(null, 7, "x"), "p", AnyAnswer);

        Assert.Null(kept);
        Assert.Contains("'text'", fault, StringComparison.Ordinal);
        Assert.Contains("'score' is 7", fault, StringComparison.Ordinal);
        Assert.Contains("a 'correction' needs", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_SameVerdictTwice_HasOneId()
    {
        string First(string text) => FeedbackVerdict.Check(Verdict(text, -1, "neutral"), "p", AnyAnswer).Verdict!.Id;

        Assert.Equal(First("a"), First("a"));
        Assert.NotEqual(First("a"), First("b"));
    }

    [Fact]
    public void Check_CorrectionThatIsNoLabel_IsRefusedByName()
    {
        string? Fault(string correction) => FeedbackVerdict.Check(Verdict("a", -1, correction), "p", Labels).Fault;

        Assert.Equal(
            "'positiv' is no label of 'p': negative, neutral; a new one is added under labels in project.yaml",
            Fault("positiv")
        );
        Assert.Null(Fault(" Neutral "));
    }

    [Fact]
    public void Check_LabelInAnotherSpelling_IsKeptAsTheProjectWritesIt()
    {
        string? Kept(string correction) =>
            FeedbackVerdict.Check(Verdict("a", -1, correction), "p", Labels).Verdict!.Correction;

        Assert.Equal("neutral", Kept(" NEU "));
        Assert.Null(Kept(" ")); // nothing was corrected
    }

    /// <summary>A thumb up is a vote for the answer: it is held to the labels as a correction is.</summary>
    [Fact]
    public void Check_ThumbUpOfAnAnswerThatIsNoLabel_IsRefused() =>
        Assert.NotNull(FeedbackVerdict.Check(Verdict("a", 1, null) with { Answer = "great" }, "p", Labels).Fault);

    [Fact]
    public void Check_VerdictOfManyLongAnswers_IsRefused()
    {
        string[] ranking = [.. Enumerable.Range(0, 9).Select(i => $"{i}" + new string('x', 32_000))];

        Assert.Equal(
            "the verdict takes more than 256 KiB in all",
            FeedbackVerdict.Check(Verdict("a", 0, null) with { Ranking = ranking }, "p", AnyAnswer).Fault
        );
    }

    [Theory]
    [InlineData("takes 2 to 10 answers", "one")]
    [InlineData("names an answer twice", "one", "one")]
    [InlineData("takes 2 to 10 answers", "one", " ")]
    [InlineData(null, "one", "two")]
    public void Check_Ranking_IsOfSeveralDifferentAnswers(string? fault, params string[] ranking)
    {
        string? found = FeedbackVerdict.Check(Verdict("a", 0, null) with { Ranking = ranking }, "p", AnyAnswer).Fault;

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
