using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>One row of the table <c>runs</c>: what is listed and shown.</summary>
public sealed record RunRecord
{
    public required string RunId { get; init; }
    public required string Project { get; init; }

    /// <summary>Where it stands.</summary>
    public required RunState State { get; init; }

    /// <summary>Whether an orchestration works on it, or waits for people.</summary>
    [JsonIgnore]
    public bool IsUnderWay => State is RunState.Running or RunState.NeedsLabels;

    /// <summary>Whether it can be resumed or purged.</summary>
    [JsonIgnore]
    public bool HasStopped => !IsUnderWay && State != RunState.Completed;

    /// <summary>Whether corrections have started it.</summary>
    [JsonIgnore]
    public bool IsRetraining => Trigger.IsRetraining();

    /// <summary><c>dataset</c>, <c>train</c> or <c>done</c>.</summary>
    public required RunStage Stage { get; init; }

    /// <summary>What started it.</summary>
    public required RunTrigger Trigger { get; init; }

    /// <summary>The raw blob's name within its project.</summary>
    public required string Source { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public string? DatasetId { get; init; }

    /// <summary>Name of the blob of corrections that went in too.</summary>
    public string? FeedbackBatch { get; init; }

    /// <summary>The version allotted, published or not.</summary>
    public int? Version { get; init; }

    /// <summary>The published adapter's blob prefix.</summary>
    public string? Adapter { get; init; }

    /// <summary>Whether the champion was replaced, and why, in words.</summary>
    public string? Promotion { get; init; }

    /// <summary>
    /// The accuracy of a linear model on the dataset's held-out rows, known before anything is trained; <c>null</c>:
    /// the task has no labels, or the dataset is not there yet.
    /// </summary>
    public double? LinearAccuracy { get; init; }

    /// <summary>
    /// The base's score: the accuracy for labels, else the task's (<see cref="EvaluationReport.ScoreName"/>).
    /// </summary>
    public double? BaseAccuracy { get; init; }

    /// <summary>The same for the tuned model.</summary>
    public double? TunedAccuracy { get; init; }

    /// <summary>Who could not be told that it has ended, and why; <c>null</c>: everybody was.</summary>
    public string? Notice { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; init; }
}
