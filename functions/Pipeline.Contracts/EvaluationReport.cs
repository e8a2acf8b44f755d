namespace Pipeline.Contracts;

/// <summary><c>evaluation.json</c>: base and tuned on the same held-out rows. Metrics are fractions from 0 to 1.</summary>
public sealed record EvaluationReport
{
    public int SchemaVersion { get; init; } = 1;
    public required string Task { get; init; }
    public required string Base { get; init; }
    public required string DatasetId { get; init; }
    public required IReadOnlyList<string> Labels { get; init; }
    public required ModelScore BaseScore { get; init; }
    public required ModelScore TunedScore { get; init; }

    /// <summary>Tuned minus base on accuracy, paired over rows.</summary>
    public required PairedDifference Difference { get; init; }

    /// <summary>What needs no language model, trained on the same rows. Empty for tasks without labels.</summary>
    public required IReadOnlyDictionary<string, BaselineScore> Baselines { get; init; }

    /// <summary><c>[gold][predicted]</c> counts of the tuned model, in the order of <see cref="Labels"/>.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Confusion { get; init; }

    /// <summary>One outcome a held-out row.</summary>
    public required IReadOnlyList<RowOutcome> Outcomes { get; init; }

    public required TrainingSummary Training { get; init; }
}

/// <summary>A model's metrics on the held-out rows.</summary>
/// <param name="Accuracy">Share of rows whose predicted label (exact answer, for instruction) is right.</param>
/// <param name="MacroF1">Mean of the labels' F1; <c>null</c> without labels.</param>
/// <param name="Interval">95 % bootstrap interval of the accuracy.</param>
/// <param name="NegativeLogLikelihood">Mean nats a token of the gold answer and its end token.</param>
/// <param name="Perplexity"><c>exp</c> of it.</param>
/// <param name="ExactMatch">Share of rows whose greedily written answer equals the gold one; <c>null</c> when not asked for.</param>
/// <param name="StopRate">Share of greedily written answers that ended in the end token.</param>
/// <param name="PerLabel">Precision, recall and F1 a label.</param>
public sealed record ModelScore(
    double Accuracy, double? MacroF1, Interval Interval, double NegativeLogLikelihood, double Perplexity,
    double? ExactMatch, double? StopRate, IReadOnlyDictionary<string, LabelScore> PerLabel);

/// <summary>A label's score.</summary>
public sealed record LabelScore(double Precision, double Recall, double F1, int Support);

/// <summary>A closed interval.</summary>
public sealed record Interval(double Low, double High);

/// <summary>A difference on the same rows.</summary>
/// <param name="Mean">Tuned minus base.</param>
/// <param name="Interval">95 % paired bootstrap interval.</param>
/// <param name="Won">Rows that base had wrong and tuned has right.</param>
/// <param name="Lost">The reverse.</param>
/// <param name="McNemarP">Two-sided exact McNemar p-value.</param>
public sealed record PairedDifference(double Mean, Interval Interval, int Won, int Lost, double McNemarP);

/// <summary>A baseline's score.</summary>
public sealed record BaselineScore(double Accuracy, double MacroF1);

/// <summary>What one held-out row was answered.</summary>
/// <param name="Id">The example's id.</param>
/// <param name="TextHash">Of what was asked, so that two evaluations can be paired whatever their rows are called.</param>
/// <param name="Gold">The right answer.</param>
/// <param name="Base">The base's answer.</param>
/// <param name="Tuned">The tuned model's answer.</param>
/// <param name="BaseLikelihoods">Summed natural-log likelihood of each label's tokens and the end token, in the order of the labels; of the gold answer alone without labels.</param>
/// <param name="TunedLikelihoods">The same for the tuned model.</param>
/// <param name="BaseText">What base wrote greedily.</param>
/// <param name="TunedText">What tuned wrote greedily.</param>
public sealed record RowOutcome(
    string Id, string TextHash, string Gold, string Base, string Tuned, IReadOnlyList<double> BaseLikelihoods, IReadOnlyList<double> TunedLikelihoods,
    string? BaseText, string? TunedText);

/// <summary>What the training cost.</summary>
/// <param name="Steps">Optimizer steps.</param>
/// <param name="Tokens">Tokens seen, padding not counted.</param>
/// <param name="TokensPerSecond">Over the training stage.</param>
/// <param name="SecondsPerStage">Wall seconds by stage.</param>
/// <param name="PeakMemoryBytes">Peak resident memory of the worker process.</param>
/// <param name="TrainableParameters">Numbers in the adapter.</param>
public sealed record TrainingSummary(
    int Steps, long Tokens, double TokensPerSecond, IReadOnlyDictionary<string, double> SecondsPerStage, long PeakMemoryBytes, long TrainableParameters);
