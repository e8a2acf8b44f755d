using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>
/// <c>jobs/{runId}/lock.json</c>, written only by the worker that holds the blob's lease: how a job stands across
/// workers.
/// </summary>
public sealed record JobState
{
    /// <summary>Workers that may take a job in a row without one of them coming to a new checkpoint.</summary>
    public const int MaxAttemptsWithoutCheckpoint = 3;

    /// <summary>The start of the run that this is about.</summary>
    public required string Attempt { get; init; }

    /// <summary>
    /// Workers that have taken the job since the last checkpoint; one that was asked to stop does not count.
    /// </summary>
    [JsonPropertyName("fruitless")] // as jobs that are under way have it
    public int AttemptsWithoutCheckpoint { get; init; }

    /// <summary>What the last worker that failed said.</summary>
    public string? LastFault { get; init; }

    /// <summary>The adapter lies whole in its place: a second message finds the work done.</summary>
    public bool Done { get; init; }
}

/// <summary>
/// <c>jobs/{runId}/message.json</c>: the message that was sent for a run, so that a cancellation can take it back.
/// </summary>
public sealed record SentMessage(string MessageId, string PopReceipt);
