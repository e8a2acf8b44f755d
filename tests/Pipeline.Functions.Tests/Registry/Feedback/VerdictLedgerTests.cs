using Pipeline.Contracts;
using Pipeline.Registry.Feedback;

namespace Pipeline.Functions.Tests.Registry.Feedback;

public sealed class VerdictLedgerTests
{
    private readonly VerdictLedger _ledger = new();
    private int _added;

    private FeedbackRecord Add(
        string text,
        string? correction,
        string? reviewer = "ann",
        string? version = null,
        string? answer = null,
        int score = -1
    )
    {
        FeedbackRecord verdict = FeedbackVerdict
            .Check(
                new FeedbackRecord
                {
                    Id = "",
                    Project = "p",
                    At = DateTimeOffset.UnixEpoch,
                    Text = text,
                    Score = score,
                    Correction = correction,
                    Answer = answer,
                    AdapterVersion = version,
                    Reviewer = reviewer,
                    HasKey = reviewer is not null,
                },
                "p",
                new Dictionary<string, string>()
            )
            .Verdict!;
        _ledger.Add(verdict, $"2026-11-30:{_added++:D12}");
        return verdict;
    }

    private string? Answer(string text) => _ledger.Items(new()).SingleOrDefault(i => i.Text == text)?.Answer;

    private static RegistryPointer Used(string? through) => new() { Project = "p", UsedFeedbackThrough = through };

    [Fact]
    public void Add_ThereAndBackAgain_CountsTheLast()
    {
        FeedbackRecord first = Add("a", "x");
        Add("a", "y");
        FeedbackRecord third = Add("a", "x");

        Assert.Equal(first.Id, third.Id);
        Assert.Equal("x", Answer("a"));
        Assert.Equal("2026-11-30:000000000002", _ledger.Items(new())[0].Votes.Single().Place);
    }

    [Fact]
    public void Add_TheSameAgain_DoesNotWaitAgain()
    {
        Add("a", "x");
        string through = _ledger.Through;

        Add("a", "x");

        Assert.Single(_ledger.Waiting(new(), Used(null)));
        Assert.Empty(_ledger.Waiting(new(), Used(through)));
    }

    [Fact]
    public void Add_ThumbUpOfAnotherVersion_LeavesTheCorrection()
    {
        Add("a", "x", version: "v1");
        Add("a", null, version: "v2", score: 1);

        Assert.Equal("x", Answer("a"));
    }

    [Fact]
    public void Add_ThumbUpOfTheSameAnswer_ReplacesTheCorrection()
    {
        Add("a", "x", version: "v1");
        Add("a", null, version: "v1", score: 1);

        Assert.Null(Answer("a"));
    }

    /// <summary>A thumb up of a known answer is a vote for it where somebody says otherwise.</summary>
    [Fact]
    public void Add_ThumbUpOfAKnownAnswer_IsAVoteForIt()
    {
        Add("a", null, "ann", answer: "good", score: 1);
        Assert.Empty(_ledger.Items(new()));

        Add("a", "bad", "ben", answer: "good");
        Assert.Null(Assert.Single(_ledger.Items(new())).Answer);

        Add("a", null, "eve", answer: "good", score: 1);
        Assert.Equal("good", Answer("a"));
    }

    [Fact]
    public void Add_Withdrawal_TakesTheVerdictOut()
    {
        FeedbackRecord verdict = Add("a", "x");
        FeedbackRecord other = Add("a", "y", "ben");

        _ledger.Add(
            new FeedbackRecord
            {
                Id = "w",
                Project = "p",
                At = DateTimeOffset.UnixEpoch,
                Score = 0,
                Withdraws = verdict.Id,
            },
            $"2026-11-30:{_added++:D12}"
        );

        Assert.Equal("y", Answer("a"));
        Assert.Null(_ledger.Find(verdict.Id));
        Assert.Equal(other.Id, _ledger.Find(other.Id)!.Id);
    }

    [Fact]
    public void Waiting_AfterATraining_IsWhatCameLater()
    {
        Add("a", "x");
        Add("b", "x");
        string through = _ledger.Through;
        Add("c", "x");
        Add("a", "y", "ben"); // undecided now
        Add("b", "x", "ben");

        Assert.Equal(["b", "c"], _ledger.Waiting(new(), Used(through)).Select(i => i.Text).Order());
        Assert.Equal(["b", "c"], _ledger.Waiting(new(), Used(null)).Select(i => i.Text).Order());
    }

    /// <summary>What is one row in a dataset is one text here.</summary>
    [Fact]
    public void Items_SameTextSpeltAnotherWay_AreOne()
    {
        Add("It is  late", "x");
        Add(" it is late ", "y", "ben");

        VerdictItem item = Assert.Single(_ledger.Items(new()));
        Assert.Equal(("It is  late", 2), (item.Text, item.Votes.Count));
        Assert.Equal(2, _ledger.IdsOf("IT IS LATE").Count);
    }

    /// <summary>However many they are: where somebody with a key has voted, the others have no say.</summary>
    [Fact]
    public void Items_VoteWithoutAKeyBesideOneWithAKey_HasNoSay()
    {
        Add("a", "x");
        Add("a", "y", reviewer: null);

        Assert.Equal(("x", true), (Answer("a"), _ledger.Items(new())[0].IsNamed));
    }

    [Fact]
    public void Items_OfThoseWithoutAKey_AreNotNamed()
    {
        Add("a", "x", reviewer: null);
        Add("b", "x");

        Assert.Equal([("a", false), ("b", true)], _ledger.Items(new()).Select(i => (i.Text, i.IsNamed)));
    }
}
