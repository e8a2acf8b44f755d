namespace Pipeline.Functions.Orchestrations;

/// <summary>What a run is about.</summary>
/// <param name="RunId">The instance's id too.</param>
/// <param name="Project">The project.</param>
/// <param name="Source">The raw blob's name within its project.</param>
/// <param name="FeedbackBatch">Name of the blob of corrections that go in too; <c>null</c>: none.</param>
/// <param name="Trigger">drop, http, feedback or timer.</param>
public sealed record PipelineInput(string RunId, string Project, string Source, string? FeedbackBatch, string Trigger);

/// <summary>What a run came to.</summary>
/// <param name="RunId">The run.</param>
/// <param name="DatasetId">Its dataset.</param>
/// <param name="Adapter">The published adapter's blob prefix.</param>
/// <param name="Version">Its version.</param>
/// <param name="Promotion">Whether it is the champion, and why.</param>
public sealed record PipelineOutput(string RunId, string DatasetId, string Adapter, int Version, string Promotion);

/// <summary>A dataset to plan.</summary>
/// <param name="Input">What the run is about.</param>
/// <param name="Instance">The orchestration that builds the dataset.</param>
public sealed record DatasetToPlan(PipelineInput Input, string Instance);

/// <summary>A dataset as planned.</summary>
/// <param name="Input">What the run is about.</param>
/// <param name="Instance">The orchestration that builds the dataset.</param>
/// <param name="DatasetId">Its id.</param>
/// <param name="Parts">Parts to build.</param>
/// <param name="Mended">Blobs of corrected rows that are read behind the source.</param>
/// <param name="Tags">ETags of the raw blobs, in the order read: no other content is taken.</param>
/// <param name="HasSynthesis">Whether rows are to be made.</param>
/// <param name="Fault">Why nothing can be built; <c>null</c>: it can.</param>
public sealed record DatasetPlanned(
    PipelineInput Input,
    string Instance,
    string DatasetId,
    int Parts,
    IReadOnlyList<string> Mended,
    IReadOnlyList<string> Tags,
    bool HasSynthesis,
    string? Fault
);

/// <summary>Some minutes of making rows.</summary>
/// <param name="IsWhole">Whether all is made that can be had.</param>
/// <param name="Fault">Why nothing can be made; <c>null</c>: it can.</param>
public sealed record SynthesisTurn(bool IsWhole, string? Fault);

/// <summary>One part to build.</summary>
/// <param name="Planned">The dataset.</param>
/// <param name="Part">The part's number, from 0.</param>
public sealed record DatasetPartInput(DatasetPlanned Planned, int Part);

/// <summary>What a dataset came to.</summary>
/// <param name="DatasetId">Its id.</param>
/// <param name="Fault">Why nothing can be trained on it; <c>null</c>: it can.</param>
public sealed record DatasetOutput(string DatasetId, string? Fault);

/// <summary>A job handed to the queue.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Project">The project.</param>
/// <param name="DatasetId">Its dataset.</param>
/// <param name="Attempt">Which start of the run this is.</param>
public sealed record JobInput(string RunId, string Project, string DatasetId, string Attempt);

/// <summary>A job on the queue.</summary>
/// <param name="Version">The version allotted.</param>
/// <param name="StartDeadline">How long a job may wait for a worker.</param>
/// <param name="HeartbeatDeadline">How long a worker may be silent.</param>
/// <param name="LinesAtStart">Lines of progress that stood there already, of an earlier start.</param>
public sealed record JobHandle(int Version, TimeSpan StartDeadline, TimeSpan HeartbeatDeadline, int LinesAtStart);

/// <summary>Progress as the orchestration sees it.</summary>
/// <param name="Lines">Lines of progress so far.</param>
/// <param name="WorkerIsBusy">Whether another run's training is going on, so that this one waits for its turn.</param>
public sealed record JobHeartbeat(int Lines, bool WorkerIsBusy);

/// <summary>A run's end, to be written down.</summary>
public sealed record RunFailure(string RunId, string Error);

/// <summary>What a retraining is about.</summary>
public sealed record RetrainingInput(string Project, string Trigger);

/// <summary>A retraining made ready.</summary>
/// <param name="Run">The run to be made.</param>
/// <param name="Feedback">Ids of the corrections that go into it, noted as used when it has completed.</param>
public sealed record RetrainingPlan(PipelineInput Run, IReadOnlyList<string> Feedback);

/// <summary>Corrections that a completed run has used.</summary>
public sealed record UsedFeedback(string Project, IReadOnlyList<string> Ids);
