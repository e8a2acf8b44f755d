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
