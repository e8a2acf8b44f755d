using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Functions.Runs;
using Pipeline.Functions.Verdicts;

namespace Pipeline.Functions.Retraining;

/// <summary>A project's one retraining: what comes while it runs waits for the next.</summary>
public sealed class RetrainingOrchestrations(CorrectionBatches corrections) : IRetrainingResumption
{
    private const string OtherRuns =
        "Another retraining of the project runs, and takes every correction that waits; "
        + "resume this one when that one has ended.";

    /// <summary>The instance of a project's retraining.</summary>
    public static string InstanceOf(string project) => project + "-retraining";

    /// <summary>Starts a project's retraining.</summary>
    /// <returns>Its instance; <c>null</c>: one runs.</returns>
    public static async Task<string?> StartAsync(
        DurableTaskClient client,
        RetrainingInput input,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(input);
        string instanceId = InstanceOf(input.Project);
        return
            await client.TryPurgeAsync(instanceId, cancellation)
            && await client.TryStartAsync(RetrainProject.Name, input, instanceId, cancellation)
            ? instanceId
            : null;
    }

    /// <inheritdoc/>
    public async Task<string?> CorrectionsAsync(
        string project,
        ProjectSettings settings,
        CancellationToken cancellation
    ) => (await corrections.WriteAsync(project, settings, cancellation))?.Name;

    /// <inheritdoc/>
    public async Task<string?> RefuseAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(run);
        return await client.RunsAsync(InstanceOf(run.Project), cancellation) ? OtherRuns : null;
    }

    /// <inheritdoc/>
    public async Task<string?> ResumeAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        var input = new RetrainingInput(run.Project, run.Trigger);
        return await StartAsync(client, input, cancellation) is null ? OtherRuns : null;
    }
}
