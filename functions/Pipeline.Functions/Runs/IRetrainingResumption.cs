using Microsoft.DurableTask.Client;
using Pipeline.Contracts;

namespace Pipeline.Functions.Runs;

/// <summary>
/// What runs need of retraining, which they know only by this interface: the corrections that they take with them, and
/// how a run is resumed that a retraining started, which starts it itself.
/// </summary>
public interface IRetrainingResumption
{
    /// <summary>The batch of the corrections that count now, for a run; <c>null</c>: none does.</summary>
    Task<string?> CorrectionsAsync(string project, ProjectSettings settings, CancellationToken cancellation);

    /// <summary>Why a run's retraining cannot be resumed now; <c>null</c>: it can.</summary>
    Task<string?> RefuseAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation);

    /// <summary>Starts the retraining of a run's project.</summary>
    /// <returns>Why it was not started; <c>null</c>: it was.</returns>
    Task<string?> ResumeAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation);
}
