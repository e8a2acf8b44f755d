namespace Pipeline.Contracts;

/// <summary><c>jobs/{runId}/job.json</c>: everything that a worker needs to know.</summary>
public sealed record TrainingJob
{
    public int SchemaVersion { get; init; } = 1;
    public required string RunId { get; init; }

    /// <summary>Which start of the run this is; messages of an earlier one count for nothing.</summary>
    public required string Attempt { get; init; }
    public required string Project { get; init; }
    public required string DatasetId { get; init; }

    /// <summary>Folder name of the base under the worker's models directory.</summary>
    public required string Base { get; init; }

    /// <summary>The version N allotted to this run: the worker writes to <c>adapters/{project}/v{N}</c>.</summary>
    public required int Version { get; init; }

    /// <summary>
    /// The champion when the job was handed over: it answers the job's held-out rows too where it has not answered
    /// them all. <c>null</c>: there is none.
    /// </summary>
    public int? Champion { get; init; }

    /// <summary>
    /// Nothing is trained: this published version answers the held-out rows and the guard set of
    /// <see cref="Version"/>. <c>null</c>: a training.
    /// </summary>
    public int? Evaluates { get; init; }

    /// <summary>
    /// The chat template in which the version is asked that answers; <c>null</c>: that of the dataset.
    /// </summary>
    public string? Template { get; init; }

    public required TrainingSettings Training { get; init; }
    public required EvaluationSettings Evaluation { get; init; }
}

/// <summary>The message on the queue <c>training-jobs</c>: a run and which start of it.</summary>
public sealed record TrainingRequest(string RunId, string Attempt);

/// <summary>The message on the queue <c>training-results</c>.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Attempt">Which start of it.</param>
/// <param name="Succeeded">Whether a whole adapter lies in its place.</param>
/// <param name="Cancelled">The run was told to stop.</param>
/// <param name="Error">What went wrong, for people; <c>null</c> when it went well.</param>
public sealed record TrainingResult(string RunId, string Attempt, bool Succeeded, bool Cancelled, string? Error);
