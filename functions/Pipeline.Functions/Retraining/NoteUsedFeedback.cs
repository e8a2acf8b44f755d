using Microsoft.Azure.Functions.Worker;
using Pipeline.Registry.Promotion;
using Pipeline.Storage;

namespace Pipeline.Functions.Retraining;

/// <summary>Notes the corrections that a completed retraining has used, so that they start no other.</summary>
public sealed class NoteUsedFeedback(PipelineStorage storage)
{
    public const string Name = nameof(NoteUsedFeedback);

    [Function(Name)]
    public async Task Run([ActivityTrigger] UsedFeedback used, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(used);
        await storage.Registry.UpdateAsync(
            used.Project,
            p => VersionLedger.UseFeedback(p, used.Through, used.Ids),
            cancellation
        );
    }
}

/// <summary>Corrections that a completed run has used.</summary>
/// <param name="Project">The project.</param>
/// <param name="Through">The place in the log up to which they stand; <c>null</c>: not known.</param>
/// <param name="Ids">Their ids, of a retraining that was made ready before 2026-11-30.</param>
public sealed record UsedFeedback(string Project, string? Through, IReadOnlyList<string>? Ids = null);
