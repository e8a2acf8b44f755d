using System.Text.Json.Serialization;
using Pipeline.Contracts;

namespace Pipeline.Functions.Projects;

/// <summary>What a run is about.</summary>
/// <param name="RunId">The instance's id too.</param>
/// <param name="Project">The project.</param>
/// <param name="Source">The raw blob's name within its project.</param>
/// <param name="FeedbackBatch">Name of the blob of corrections that go in too; <c>null</c>: none.</param>
/// <param name="Trigger">drop, http, feedback or timer.</param>
public sealed record PipelineInput(
    string RunId,
    string Project,
    string Source,
    string? FeedbackBatch,
    RunTrigger Trigger
)
{
    /// <summary>For texts without answers, until when the run waits for people; <c>null</c>: it has not begun
    /// to.</summary>
    public DateTime? AnswersUntil { get; init; }

    /// <summary>
    /// For a run that has waited, the hash of its raw file: rows that were withdrawn or mended meanwhile, which its id
    /// does not know, are no reason to stop. <c>null</c>: it has not waited.
    /// </summary>
    public string? SourceSha256 { get; init; }

    /// <summary>Whether it has waited to the end, and trains on the answers that there are.</summary>
    public bool TrainsOnFewer { get; init; }

    /// <summary>
    /// Whether corrections have started it: then they are part of its id. Other runs take those of their time.
    /// </summary>
    [JsonIgnore]
    public bool IsRetraining => Trigger.IsRetraining();
}
