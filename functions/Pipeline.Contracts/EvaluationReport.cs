namespace Pipeline.Contracts;

/// <summary>
/// <c>evaluation.json</c>: base and tuned on the same held-out rows. Metrics are fractions from 0 to 1.
/// </summary>
public sealed record EvaluationReport
{
    public int SchemaVersion { get; init; } = 1;
    public required TaskKind Task { get; init; }
    public required string Base { get; init; }
    public required string DatasetId { get; init; }
    public required IReadOnlyList<string> Labels { get; init; }
    public required ModelScore BaseScore { get; init; }
    public required ModelScore TunedScore { get; init; }

    /// <summary>What a row's score is: <c>accuracy</c>, <c>fieldF1</c>, <c>entityF1</c>, <c>rougeL</c>.</summary>
    public string ScoreName { get; init; } = "accuracy";

    /// <summary>Tuned minus base on the rows' scores, paired over rows.</summary>
    public required PairedDifference Difference { get; init; }

    /// <summary>What needs no language model, trained on the same rows. Empty for tasks without labels.</summary>
    public required IReadOnlyDictionary<Baseline, BaselineScore> Baselines { get; init; }

    /// <summary><c>[gold][predicted]</c> counts of the tuned model, in the order of <see cref="Labels"/>.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; }

    /// <summary>
    /// The held-out rows' own id, a hash of what they ask and of the right answers: figures of different test sets are
    /// not compared. <c>null</c> in reports of before 2026-11-29.
    /// </summary>
    public string? TestSet { get; init; }

    /// <summary>One outcome a held-out row.</summary>
    public required IReadOnlyList<RowOutcome> Outcomes { get; init; }

    /// <summary>Base and tuned on the guard set; <c>null</c>: the project has none.</summary>
    public GuardEvaluation? Guard { get; init; }

    /// <summary>What the training cost; <c>null</c> when an adapter was only evaluated.</summary>
    public TrainingSummary? Training { get; init; }
}

/// <summary>Base and tuned on the guard set. Scores are fractions from 0 to 1.</summary>
public sealed record GuardEvaluation
{
    /// <summary>The set's own id, as <see cref="EvaluationReport.TestSet"/>.</summary>
    public required string Id { get; init; }
    public required TaskKind Task { get; init; }

    /// <summary>What a row's score is, as <see cref="EvaluationReport.ScoreName"/>.</summary>
    public required string ScoreName { get; init; }
    public required double BaseScore { get; init; }
    public required double TunedScore { get; init; }

    /// <summary>One outcome a row.</summary>
    public required IReadOnlyList<RowOutcome> Outcomes { get; init; }
}

/// <summary><c>champion.json</c>: the champion on a newer version's held-out rows.</summary>
/// <param name="Version">The champion's.</param>
/// <param name="Evaluation">Base and champion, as <see cref="EvaluationReport.TunedScore"/>, on the newer rows.</param>
public sealed record ChampionEvaluation(int Version, EvaluationReport Evaluation);

/// <summary>A model's metrics on the held-out rows.</summary>
/// <param name="Accuracy">Share of rows whose predicted label (exact answer, for tasks without labels) is
/// right.</param>
/// <param name="MacroF1">Mean of the labels' F1; <c>null</c> without labels.</param>
/// <param name="Interval">95 % bootstrap interval of <see cref="Score"/>, which for labels is the accuracy.</param>
/// <param name="NegativeLogLikelihood">Mean nats a token of the gold answer and its end token.</param>
/// <param name="Perplexity"><c>exp</c> of it.</param>
/// <param name="ExactMatch">Share of rows whose greedily written answer equals the gold one; <c>null</c> when not asked
/// for.</param>
/// <param name="StopRate">Share of greedily written answers that ended in the end token.</param>
/// <param name="PerLabel">Precision, recall and F1 a label; a field for extraction, an entity type for
/// de-identification.</param>
public sealed record ModelScore(
    double Accuracy,
    double? MacroF1,
    Interval Interval,
    double NegativeLogLikelihood,
    double Perplexity,
    double? ExactMatch,
    double? StopRate,
    IReadOnlyDictionary<string, LabelScore> PerLabel
)
{
    /// <summary>Mean of the rows' scores, 0 to 1; <see cref="EvaluationReport.ScoreName"/> says of what.</summary>
    public double Score { get; init; } = Accuracy;

    /// <summary>The task's other metrics by name.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();
}

/// <summary>A label's score.</summary>
public sealed record LabelScore(double Precision, double Recall, double F1, int Support);

/// <summary>A closed interval.</summary>
public sealed record Interval(double Low, double High);

/// <summary>A difference on the same rows.</summary>
/// <param name="Mean">Tuned minus base.</param>
/// <param name="Interval">95 % paired bootstrap interval.</param>
/// <param name="Won">Rows on which tuned scores higher than base; for labels, that base had wrong and tuned has
/// right.</param>
/// <param name="Lost">The reverse.</param>
/// <param name="McNemarP">Two-sided exact McNemar p-value; where scores are no mere right and wrong, that of the sign
/// test, which is the same formula.</param>
public sealed record PairedDifference(double Mean, Interval Interval, int Won, int Lost, double McNemarP)
{
    /// <summary>One-sided 95 % bound from below; <c>null</c> in reports of before 2026-11-29.</summary>
    public double? LowerBound { get; init; }
}

/// <summary>A baseline's score.</summary>
public sealed record BaselineScore(double Accuracy, double MacroF1)
{
    /// <summary>
    /// Tuned minus this baseline, paired over the held-out rows; <c>null</c> in reports of before 2026-11-29.
    /// </summary>
    public PairedDifference? TunedGain { get; init; }

    /// <summary>Rows that it learned from where it did not take all; <c>null</c>: all.</summary>
    public int? LearnedRows { get; init; }
}

/// <summary>What one held-out row was answered.</summary>
/// <param name="Id">The example's id.</param>
/// <param name="TextHash">Of what was asked, so that two evaluations can be paired whatever their rows are
/// called.</param>
/// <param name="Gold">The right answer.</param>
/// <param name="Base">The base's answer.</param>
/// <param name="Tuned">The tuned model's answer.</param>
/// <param name="BaseLikelihoods">Summed natural-log likelihood of each label's tokens and the end token, in the order
/// of the labels; of the gold answer alone without labels.</param>
/// <param name="TunedLikelihoods">The same for the tuned model.</param>
/// <param name="BaseText">What base wrote greedily.</param>
/// <param name="TunedText">What tuned wrote greedily.</param>
public sealed record RowOutcome(
    string Id,
    string TextHash,
    string Gold,
    string Base,
    string Tuned,
    IReadOnlyList<double> BaseLikelihoods,
    IReadOnlyList<double> TunedLikelihoods,
    string? BaseText,
    string? TunedText
)
{
    /// <summary>
    /// What the row is a part of: pieces of one plain text count as one in intervals and tests, since they are not
    /// independent.
    /// </summary>
    public static string TextOf(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        int piece = id.IndexOf('.', id.LastIndexOf('#') + 1);
        return id.LastIndexOf('#') >= 0 && piece >= 0 ? id[..piece] : id;
    }

    /// <summary>
    /// The base's score on this row, 0 to 1; <c>null</c> in reports of before 2026-11-23, where right is 1.
    /// </summary>
    public double? BaseScore { get; init; }

    /// <summary>The same for the tuned model.</summary>
    public double? TunedScore { get; init; }

    /// <summary>The linear model's answer; <c>null</c>: there is none.</summary>
    public string? Linear { get; init; }
}

/// <summary>What the training cost.</summary>
/// <param name="Steps">Optimizer steps.</param>
/// <param name="Tokens">Tokens seen, padding not counted.</param>
/// <param name="TokensPerSecond">Over the training stage.</param>
/// <param name="SecondsPerStage">Wall seconds by stage.</param>
/// <param name="PeakMemoryBytes">Peak resident memory of the worker process.</param>
/// <param name="TrainableParameters">Trained numbers: of the adapter, or of the whole model.</param>
public sealed record TrainingSummary(
    int Steps,
    long Tokens,
    double TokensPerSecond,
    IReadOnlyDictionary<string, double> SecondsPerStage,
    long PeakMemoryBytes,
    long TrainableParameters
)
{
    /// <summary>By what it was computed: CPU or GPU, how, in which numbers.</summary>
    public string? Engine { get; init; }
}
