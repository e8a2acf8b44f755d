using Pipeline.Contracts;

namespace Pipeline.LocalHost.Commands;

/// <summary>A run's result for machines: what <c>--json</c> writes.</summary>
internal sealed record RunResult
{
    public required string RunId { get; init; }
    public required RunState State { get; init; }
    public string? Error { get; init; }
    public string? DatasetId { get; init; }
    public RowCounts? Rows { get; init; }

    /// <summary>What a row's score is: <c>accuracy</c>, <c>fieldF1</c>, <c>entityF1</c>, <c>rougeL</c>.</summary>
    public string? ScoreName { get; init; }
    public Score? Base { get; init; }
    public Score? Tuned { get; init; }
    public PairedDifference? Difference { get; init; }
    public IReadOnlyDictionary<Baseline, BaselineScore>? Baselines { get; init; }

    /// <summary>The adapter's blob prefix.</summary>
    public string? Adapter { get; init; }
    public string? Promotion { get; init; }

    /// <summary>Local copies of the adapter and the dataset.</summary>
    public string? Folder { get; init; }
    public IReadOnlyDictionary<string, double>? SecondsPerStage { get; init; }
    public double? TokensPerSecond { get; init; }

    /// <summary>Peak resident memory of host, storage emulator and worker together.</summary>
    public long? PeakMemoryBytes { get; init; }
}

/// <summary>A model's score.</summary>
/// <param name="Accuracy">Share of rows answered exactly right.</param>
/// <param name="MacroF1">Of labels; <c>null</c> without.</param>
/// <param name="Interval">95 % bootstrap interval of <paramref name="Value"/>.</param>
/// <param name="Value">Mean of the rows' scores; for labels the accuracy.</param>
internal sealed record Score(double Accuracy, double? MacroF1, Interval Interval, double Value);
