using Microsoft.DurableTask.Client;
using Pipeline.Contracts;

namespace Pipeline.Functions.Runs;

/// <summary>
/// Resumes a run that a retraining started. The retraining starts such a run itself, so that it can note at the end
/// that the corrections are used; runs know it only by this interface.
/// </summary>
public interface IRetrainingResumption
{
    /// <summary>Why a run's retraining cannot be resumed now; <c>null</c>: it can.</summary>
    Task<string?> RefuseAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation);

    /// <summary>Starts the retraining of a run's project.</summary>
    /// <returns>Why it was not started; <c>null</c>: it was.</returns>
    Task<string?> ResumeAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation);
}
