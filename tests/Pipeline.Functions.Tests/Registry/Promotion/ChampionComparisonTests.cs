using Pipeline.Contracts;
using Pipeline.Registry.Promotion;

namespace Pipeline.Functions.Tests.Registry.Promotion;

public sealed class ChampionComparisonTests
{
    private const int Samples = 200;

    [Fact]
    public void Compare_NoChampion_GivesNothing() =>
        Assert.Null(ChampionComparison.Compare(null, Report(Rows(30, right: 30)), Samples));

    [Fact]
    public void Compare_SameRows_IsNewMinusChampion()
    {
        PairedDifference? difference = ChampionComparison.Compare(
            Report(Rows(40, right: 10)),
            Report(Rows(40, right: 30)),
            Samples
        );

        Assert.Equal(0.5, difference!.Mean, 12);
        Assert.Equal((20, 0), (difference.Won, difference.Lost));
    }

    [Theory]
    [InlineData(19, false)]
    [InlineData(20, true)]
    public void Compare_FewRowsInCommon_ProveNothing(int common, bool isEnough) =>
        Assert.Equal(
            isEnough,
            ChampionComparison.Compare(Report(Rows(common, right: 1)), Report(Rows(60, right: 60)), Samples) is not null
        );

    [Fact]
    public void Compare_RowsWhoseRightAnswerWasCorrected_AreLeftOut()
    {
        RowOutcome[] corrected = [.. Rows(30, right: 30).Select((r, i) => i < 15 ? r with { Gold = "corrected" } : r)];

        Assert.Null(ChampionComparison.Compare(Report(Rows(30, right: 30)), Report(corrected), Samples));
    }

    [Fact]
    public void Compare_ReportsOfOtherScores_MeetOnExactAnswers()
    {
        RowOutcome[] half = [.. Rows(30, right: 15).Select(r => r with { TunedScore = 0.9 })];
        PairedDifference? difference = ChampionComparison.Compare(
            Report(half) with
            {
                ScoreName = "rougeL",
            },
            Report(Rows(30, right: 30)),
            Samples
        );

        Assert.Equal(0.5, difference!.Mean, 12);
    }

    [Fact]
    public void Compare_PlainTextsOfAnotherBase_AreNotComparable()
    {
        EvaluationReport champion = Report(Rows(30, right: 10)) with { Task = TaskKind.Text };
        EvaluationReport candidate = Report(Rows(30, right: 30)) with { Task = TaskKind.Text };

        Assert.NotNull(ChampionComparison.Compare(champion, candidate, Samples));
        Assert.Null(ChampionComparison.Compare(champion with { Base = "other" }, candidate, Samples));
    }

    [Fact]
    public void Compare_PiecesOfOneText_CountOnce()
    {
        RowOutcome[] pieces = [.. Rows(30, right: 30).Select((r, i) => r with { Id = $"book.txt#1.{i}" })];

        Assert.Null(ChampionComparison.Compare(Report(pieces), Report(pieces), Samples));
    }

    private static IEnumerable<RowOutcome> Rows(int count, int right) =>
        Enumerable
            .Range(0, count)
            .Select(i => new RowOutcome(
                $"file.csv#{i}",
                $"hash-{i}",
                "a",
                "b",
                i < right ? "a" : "b",
                [],
                [],
                null,
                null
            )
            {
                TunedScore = i < right ? 1 : 0,
            });

    private static EvaluationReport Report(IEnumerable<RowOutcome> rows)
    {
        var score = new ModelScore(0, null, new Interval(0, 0), 0, 0, null, null, new Dictionary<string, LabelScore>());
        return new EvaluationReport
        {
            Task = TaskKind.Classification,
            Base = "base",
            DatasetId = "dataset",
            Labels = ["a", "b"],
            BaseScore = score,
            TunedScore = score,
            Difference = new PairedDifference(0, new Interval(0, 0), 0, 0, 1),
            Baselines = new Dictionary<Baseline, BaselineScore>(),
            Confusion = [],
            Outcomes = [.. rows],
        };
    }
}
