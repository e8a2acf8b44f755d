using Microsoft.DurableTask.Client;
using Pipeline.Contracts;
using Pipeline.Functions.Durable;
using Pipeline.Storage;

namespace Pipeline.Functions.Runs;

/// <summary>
/// Runs that are noted as running although no orchestration works on them any more: left by another engine or task hub,
/// or by one that could not write down how it ended. They are noted as interrupted when they are listed, and can be
/// started again.
/// </summary>
public sealed class InterruptedRuns(PipelineStorage storage, TimeProvider time)
{
    /// <summary>
    /// A run is listed before its orchestration is started, and its end is written before that has ended: only what
    /// stands for longer is looked at.
    /// </summary>
    private static readonly TimeSpan GracePeriod = TimeSpan.FromMinutes(2);

    /// <summary>The runs as they are, those interrupted noted as such.</summary>
    public async Task<IReadOnlyList<RunRecord>> CheckAsync(
        DurableTaskClient client,
        IReadOnlyList<RunRecord> runs,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(runs);
        var found = new List<RunRecord>(runs.Count);
        foreach (RunRecord run in runs)
        {
            found.Add(await CheckAsync(client, run, cancellation));
        }

        return found;
    }

    /// <summary>The run as it is.</summary>
    public async Task<RunRecord> CheckAsync(DurableTaskClient client, RunRecord run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(run);
        bool isOurs = SafeName.TryParse(run.RunId, NameKind.Run, out _);
        if (!isOurs || !run.IsUnderWay || time.GetUtcNow() - run.UpdatedAt < GracePeriod)
        {
            return run;
        }

        OrchestrationMetadata? instance = await client.GetInstanceAsync(run.RunId, true, cancellation);
        if (instance is { IsCompleted: false })
        {
            return run;
        }

        string reason = instance is null
            ? "No orchestration works on this run: it was left by another engine or task hub."
            : $"Its orchestration has ended ({instance.RuntimeStatus}) without writing down how: "
                + $"{instance.FailureReason()}.";
        RunRecord Interrupted(RunRecord r) =>
            r.State == run.State && r.UpdatedAt == run.UpdatedAt
                ? r with
                {
                    State = RunState.Interrupted,
                    Error = $"{reason} Resume it to start it again.",
                    UpdatedAt = time.GetUtcNow(),
                }
                : r;
        await storage.Runs.UpdateAsync(run.RunId, Interrupted, cancellation);
        return await storage.Runs.GetAsync(run.RunId, cancellation) ?? run;
    }
}
