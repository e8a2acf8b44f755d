using MathNet.Numerics.Random;
using Pipeline.Contracts;
using Pipeline.Registry.Promotion;
using static Pipeline.Functions.Tests.Registry.Promotion.SimulatedVersions;

namespace Pipeline.Functions.Tests.Registry.Promotion;

public sealed class PromotionGateTests
{
    private static readonly PairedDifference Better = new(0.2, new Interval(0.1, 0.3), 30, 10, 0.01);
    private static readonly PairedDifference Equal = new(0.01, new Interval(-0.02, 0.04), 20, 19, 1);

    [Fact]
    public void Decide_FirstVersion_MustBeatTheBase()
    {
        GateVerdict won = Decide(First(Better, Better));
        GateVerdict lost = Decide(First(Equal, Better));
        GateVerdict tooLittle = Decide(First(Better, Better), new() { MinimumGain = 0.15 });

        Assert.True(won.Promote);
        Assert.StartsWith("V17 is the champion: proven better than the base (+20.0 percentage points", won.Line);
        Assert.False(lost.Promote);
        Assert.StartsWith("V17 is not proven better than the base: there is no champion yet (+1.0", lost.Line);
        Assert.False(tooLittle.Promote);
    }

    [Fact]
    public void Decide_LinearModelAsGood_IsACandidateUnlessTheProjectAllowsIt()
    {
        GateVerdict held = Decide(First(Better, Equal));
        GateVerdict allowed = Decide(First(Better, Equal), new() { EqualToBaseline = BaselinePolicy.Champion });

        Assert.False(held.Promote);
        Assert.StartsWith(
            "V17 is no better than a simple model that needs no GPU: there is no champion yet. A linear model on word "
                + "and character n-grams reaches 74.0 % where the version reaches 75.0 % (+1.0 percentage points",
            held.Line
        );
        Assert.True(allowed.Promote);
        Assert.Contains("because the project's promotion.equalToBaseline says so", allowed.Line);
        Assert.Equal(held.Checks.Select(c => c.Rule), allowed.Checks.Select(c => c.Rule));
    }

    [Fact]
    public void Decide_NotBetterThanTheChampion_SaysWhoStays()
    {
        (EvaluationReport champion, EvaluationReport candidate) = Versions(300, Equally, new MersenneTwister(1));

        GateVerdict verdict = Decide(candidate, new(), champion);

        Assert.False(verdict.Promote);
        Assert.StartsWith("V17 is not proven better: V16 stays (", verdict.Line);
        Assert.Equal([GateRule.Champion, GateRule.Label, GateRule.Label, GateRule.Label], Rules(verdict));
    }

    [Fact]
    public void Decide_BetterAndNoLabelLost_ReplacesTheChampion()
    {
        (EvaluationReport champion, EvaluationReport candidate) = Versions(1000, [8, 8, 8], new MersenneTwister(1));

        GateVerdict verdict = Decide(candidate, new(), champion);

        Assert.True(verdict.Promote, verdict.Line);
        Assert.StartsWith("V17 replaces V16 as champion: proven better than V16 (", verdict.Line);
        Assert.EndsWith("; no label is proven worse.", verdict.Line);
    }

    [Fact]
    public void Decide_BetterAndOneLabelLost_NamesTheLabel()
    {
        (EvaluationReport champion, EvaluationReport candidate) = Versions(2000, [20, 15, -20], new MersenneTwister(1));

        GateVerdict verdict = Decide(candidate, new(), champion);
        GateVerdict any = Decide(candidate, new() { LabelMargin = 1 }, champion);

        Assert.False(verdict.Promote);
        Assert.StartsWith("V17 is better over all (", verdict.Line);
        Assert.Contains("worse on a label: V16 stays ('c': -", verdict.Line);
        Assert.True(any.Promote);
        Assert.Equal([GateRule.Champion], Rules(any));
    }

    /// <summary>Of a label with few rows a loss within the margin cannot be shown; a plain loss can.</summary>
    [Theory]
    [InlineData(0, true)]
    [InlineData(12, false)]
    public void Decide_LabelOfFewRows_MustNotBeProvenWorse(int lost, bool passes)
    {
        IEnumerable<(string, bool, bool)> rows =
        [
            .. Enumerable.Range(0, 400).Select(i => ("a", i % 2 == 0, true)),
            .. Enumerable.Range(0, 30).Select(i => ("c", true, i >= lost)),
        ];
        (EvaluationReport champion, EvaluationReport candidate) = From(rows);

        Assert.Equal(passes, Decide(candidate, new(), champion).Promote);
    }

    /// <summary>Of few rows the loss itself decides; the default margin is 5 points.</summary>
    [Theory]
    [InlineData(40, 2, true)]
    [InlineData(40, 3, false)]
    [InlineData(400, 4, true)]
    [InlineData(400, 20, false)]
    public void Decide_GuardSetLost_KeepsTheChampion(int rows, int lost, bool passes)
    {
        (EvaluationReport champion, EvaluationReport candidate) = Versions(1000, [8, 8, 8], new MersenneTwister(1));
        IEnumerable<int> all = Enumerable.Range(0, rows);

        GateVerdict verdict = Decide(
            candidate with
            {
                Guard = Guard(all.Select(i => (false, i >= lost))),
            },
            new(),
            champion with
            {
                Guard = Guard(all.Select(_ => (false, true))),
            }
        );

        Assert.Equal(passes, verdict.Promote);
        Assert.Equal(-(double)lost / rows, Check(verdict).Difference!.Mean, 1e-12);
        Assert.StartsWith("guard set against V16: -", Check(verdict).Detail);
        if (passes)
        {
            Assert.EndsWith("; no label is proven worse; it holds the guard set.", verdict.Line);
        }
        else
        {
            Assert.Contains(", but loses on the guard set: V16 stays (guard set against V16: -", verdict.Line);
        }
    }

    [Fact]
    public void Decide_GuardSetOfAFirstVersion_IsComparedWithTheBase()
    {
        GuardEvaluation forgotten = Guard(Enumerable.Range(0, 40).Select(i => (true, i < 20)));
        GuardEvaluation better = Guard(Enumerable.Range(0, 40).Select(i => (i < 20, true)));

        GateVerdict lost = Decide(First(Better, Better) with { Guard = forgotten });
        GateVerdict won = Decide(First(Better, Better) with { Guard = better });
        GateVerdict allowed = Decide(First(Better, Better) with { Guard = forgotten }, new() { GuardMargin = 1 });

        Assert.False(lost.Promote);
        Assert.Contains(
            "but loses on the guard set: there is no champion yet (guard set against the base: -50.0",
            lost.Line
        );
        Assert.EndsWith("; it holds the guard set.", won.Line);
        Assert.True(allowed.Promote);
    }

    /// <summary>A champion that has not answered the whole guard set is not compared on a part of it.</summary>
    [Fact]
    public void Decide_ChampionHasNotAnsweredTheGuardSet_ComparesWithTheBaseAndSaysSo()
    {
        (EvaluationReport champion, EvaluationReport candidate) = Versions(1000, [8, 8, 8], new MersenneTwister(1));
        GuardEvaluation all = Guard(Enumerable.Range(0, 40).Select(_ => (false, true)));
        GuardEvaluation half = Guard(Enumerable.Range(0, 20).Select(_ => (false, true)));

        GateVerdict none = Decide(candidate with { Guard = all }, new(), champion);
        GateVerdict some = Decide(candidate with { Guard = all }, new(), champion with { Guard = half });

        Assert.All(
            (GateVerdict[])[none, some],
            v => Assert.StartsWith("guard set against the base, since V16 has not answered it: +100.0", Check(v).Detail)
        );
    }

    [Fact]
    public void Decide_LabelAndGuardSetLost_NamesBoth()
    {
        (EvaluationReport champion, EvaluationReport candidate) = WithGuard(
            Versions(2000, [20, 15, -20], new MersenneTwister(1)),
            300,
            -20,
            new MersenneTwister(2)
        );

        Assert.Matches(
            "worse on a label and on the guard set: V16 stays \\('c': .*; guard set against V16: -",
            Decide(candidate, new(), champion).Line
        );
    }

    [Fact]
    public void Decide_FewRowsInCommon_PromotesNothing()
    {
        (EvaluationReport champion, EvaluationReport candidate) = Versions(19, [90, 90, 90], new MersenneTwister(1));

        GateVerdict verdict = Decide(candidate, new(), champion);

        Assert.False(verdict.Promote);
        Assert.Contains("only 19 of 19 held-out rows were answered by both, and 20 are needed", verdict.Line);
    }

    /// <summary>
    /// The whole gate, 2,000 times on 1,000 rows: labels in shares of 40, 35 and 25 %, the champion right on 70 %, the
    /// versions of different opinion on 20 % of the rows where neither is better; a guard set of 300 rows, the champion
    /// right on 90 %, the versions of different opinion on 6 %.
    /// </summary>
    [Theory]
    [Trait("Tier", "Slow")]
    [InlineData(0, 0, 0, 0, 0.0, 0.05)]
    [InlineData(8, 8, 8, 0, 0.9, 1.0)]
    [InlineData(16, 12, -10, 0, 0.0, 0.1)]
    [InlineData(-10, 20, 20, 0, 0.0, 0.1)]
    [InlineData(8, 8, 8, -5, 0.0, 0.1)]
    [InlineData(20, 20, 20, -10, 0.0, 0.01)]
    public void Decide_ManyTimes_PromotesAsOftenAsItSays(
        double a,
        double b,
        double c,
        double guard,
        double least,
        double most
    )
    {
        const int Trials = 2000;
        int promoted = 0;
        Parallel.For(
            0,
            Trials,
            trial =>
            {
                var random = new MersenneTwister(trial, threadSafe: false);
                (EvaluationReport champion, EvaluationReport candidate) = WithGuard(
                    Versions(1000, [a, b, c], random),
                    300,
                    guard,
                    random
                );
                if (Decide(candidate, new(), champion).Promote)
                {
                    Interlocked.Increment(ref promoted);
                }
            }
        );

        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{a}, {b}, {c} points, {guard} on the guard set: {promoted} of {Trials} promoted"
        );
        Assert.InRange(promoted / (double)Trials, least, most);
    }

    private static GateCheck Check(GateVerdict verdict) => verdict.Checks.Single(c => c.Rule == GateRule.Guard);

    private static GateVerdict Decide(
        EvaluationReport candidate,
        PromotionSettings? settings = null,
        EvaluationReport? champion = null
    ) =>
        PromotionGate.Decide(
            new GateInput(
                17,
                candidate,
                champion is null ? null : 16,
                champion,
                new ProjectSettings
                {
                    Promotion = settings ?? new(),
                    Evaluation = new EvaluationSettings { BootstrapSamples = 200 },
                }
            )
        );

    private static IEnumerable<GateRule> Rules(GateVerdict verdict) => verdict.Checks.Select(c => c.Rule);

    private static EvaluationReport First(PairedDifference againstBase, PairedDifference againstLinear) =>
        Report([]) with
        {
            Difference = againstBase,
            TunedScore = Score(0.75),
            Baselines = new Dictionary<Baseline, BaselineScore>
            {
                [Baseline.Majority] = new(0.4, 0.2) { TunedGain = Better },
                [Baseline.Linear] = new(0.74, 0.7) { TunedGain = againstLinear },
            },
        };
}
