using MathNet.Numerics.Random;
using Pipeline.Contracts;

namespace Pipeline.Functions.Tests.Registry.Promotion;

/// <summary>Evaluations of two versions whose true difference on each label is known.</summary>
internal static class SimulatedVersions
{
    private const double ChampionRight = 0.7;
    private const double Discordance = 0.2;
    private static readonly (string Name, double Share)[] Labels = [("a", 0.4), ("b", 0.35), ("c", 0.25)];

    /// <summary>No difference on any label.</summary>
    public static double[] Equally { get; } = [0, 0, 0];

    /// <summary>
    /// Draws both versions' answers: each row's label by its share, the versions of different opinion on at least 20 %
    /// of the rows, more often right by the points given.
    /// </summary>
    /// <param name="rows">Rows of the test set.</param>
    /// <param name="points">What the candidate gains on each label, in points.</param>
    /// <param name="random">Seeded.</param>
    public static (EvaluationReport Champion, EvaluationReport Candidate) Versions(
        int rows,
        double[] points,
        MersenneTwister random
    ) => From(Enumerable.Range(0, rows).Select(_ => Draw(points, random)).ToList());

    public static (EvaluationReport Champion, EvaluationReport Candidate) From(
        IEnumerable<(string Gold, bool Champion, bool Candidate)> rows
    )
    {
        (string Gold, bool Champion, bool Candidate)[] all = [.. rows];
        return (Report(all.Select(r => (r.Gold, r.Champion))), Report(all.Select(r => (r.Gold, r.Candidate))));
    }

    public static EvaluationReport Report(IEnumerable<(string Gold, bool Right)> rows) =>
        new()
        {
            Task = TaskKind.Classification,
            Base = "base",
            DatasetId = "dataset",
            Labels = ["a", "b", "c"],
            BaseScore = Score(0.5),
            TunedScore = Score(0.7),
            Difference = new PairedDifference(0.2, new Interval(0.1, 0.3), 3, 1, 0.1),
            Baselines = new Dictionary<Baseline, BaselineScore>(),
            Confusion = [],
            Outcomes =
            [
                .. rows.Select(
                    (r, i) =>
                        new RowOutcome(
                            $"file.csv#{i}",
                            $"hash-{i}",
                            r.Gold,
                            "x",
                            r.Right ? r.Gold : "x",
                            [],
                            [],
                            null,
                            null
                        )
                        {
                            BaseScore = 0,
                            TunedScore = r.Right ? 1 : 0,
                        }
                ),
            ],
        };

    /// <summary>A guard set of rows of which a version, and the base, have some right.</summary>
    public static GuardEvaluation Guard(IEnumerable<(bool Base, bool Tuned)> rows)
    {
        RowOutcome[] outcomes =
        [
            .. rows.Select(
                (r, i) =>
                    new RowOutcome($"guard.csv#{i}", $"guard-{i}", "a", "", "", [], [], null, null)
                    {
                        BaseScore = r.Base ? 1 : 0,
                        TunedScore = r.Tuned ? 1 : 0,
                    }
            ),
        ];
        return new GuardEvaluation
        {
            Id = "guard",
            Task = TaskKind.Classification,
            ScoreName = "accuracy",
            BaseScore = outcomes.Average(o => o.BaseScore!.Value),
            TunedScore = outcomes.Average(o => o.TunedScore!.Value),
            Outcomes = outcomes,
        };
    }

    /// <summary>
    /// Both versions with a guard set: the champion right on 90 % of its rows, the versions of different opinion on at
    /// least 6 %.
    /// </summary>
    /// <param name="versions">The versions.</param>
    /// <param name="rows">Rows of the guard set.</param>
    /// <param name="points">What the candidate gains on it, in points.</param>
    /// <param name="random">Seeded.</param>
    public static (EvaluationReport Champion, EvaluationReport Candidate) WithGuard(
        (EvaluationReport Champion, EvaluationReport Candidate) versions,
        int rows,
        double points,
        MersenneTwister random
    )
    {
        double gain = points / 100;
        double won = Math.Max(0, (0.06 + gain) / 2);
        (bool Champion, bool Candidate)[] answers =
        [
            .. Enumerable
                .Range(0, rows)
                .Select(_ =>
                    random.NextDouble() is var at && at < won ? (false, true)
                    : at < won + won - gain ? (true, false)
                    : at < 0.9 + won ? (true, true)
                    : (false, false)
                ),
        ];
        return (
            versions.Champion with
            {
                Guard = Guard(answers.Select(a => (false, a.Champion))),
            },
            versions.Candidate with
            {
                Guard = Guard(answers.Select(a => (false, a.Candidate))),
            }
        );
    }

    public static ModelScore Score(double accuracy) =>
        new(accuracy, null, new Interval(0, 0), 0, 0, null, null, new Dictionary<string, LabelScore>());

    private static (string Gold, bool Champion, bool Candidate) Draw(double[] points, MersenneTwister random)
    {
        double at = random.NextDouble();
        int label =
            at < Labels[0].Share ? 0
            : at < Labels[0].Share + Labels[1].Share ? 1
            : 2;
        double gain = points[label] / 100;
        double won = Math.Max(0, (Discordance + gain) / 2);
        double lost = won - gain;
        double which = random.NextDouble();
        return which < won ? (Labels[label].Name, false, true)
            : which < won + lost ? (Labels[label].Name, true, false)
            : which < ChampionRight + won ? (Labels[label].Name, true, true)
            : (Labels[label].Name, false, false);
    }
}
