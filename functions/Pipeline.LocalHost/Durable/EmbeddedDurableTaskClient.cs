using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Pipeline.LocalHost.Durable;

/// <summary>The official client's face over the embedded engine.</summary>
public sealed class EmbeddedDurableTaskClient(HistoryStore store, OrchestrationEngine engine, TimeProvider time) : DurableTaskClient("embedded")
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    public override Task<string> ScheduleNewOrchestrationInstanceAsync(TaskName orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        string instanceId = options?.InstanceId ?? Guid.NewGuid().ToString("N");
        DateTimeOffset now = time.GetUtcNow();
        store.Create(instanceId, orchestratorName.Name, DurableJson.Write(input), now, options?.StartAt ?? now);
        engine.Signal();
        return Task.FromResult(instanceId);
    }

    public override Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default)
    {
        DateTimeOffset now = time.GetUtcNow();
        store.Raise(instanceId, new HistoryEvent(HistoryKind.EventRaised, -1, eventName, DurableJson.Write(eventPayload), now.UtcDateTime), now);
        engine.Signal();
        return Task.CompletedTask;
    }

    public override Task TerminateInstanceAsync(string instanceId, TerminateInstanceOptions? options = null, CancellationToken cancellation = default)
    {
        store.Terminate(instanceId, DurableJson.Write(options?.Output), options?.Recursive ?? false, time.GetUtcNow());
        engine.Signal();
        return Task.CompletedTask;
    }

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
    {
        store.Rest(instanceId, resting: true, time.GetUtcNow());
        return Task.CompletedTask;
    }

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default)
    {
        store.Rest(instanceId, resting: false, time.GetUtcNow());
        engine.Signal();
        return Task.CompletedTask;
    }

    public override Task<OrchestrationMetadata?> GetInstancesAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        Task.FromResult(store.Get(instanceId) is { } row ? Metadata(row, getInputsAndOutputs) : null);

    public override async Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default)
    {
        while (true)
        {
            OrchestrationMetadata found = await GetInstancesAsync(instanceId, getInputsAndOutputs, cancellation) ?? throw new InvalidOperationException($"There is no orchestration '{instanceId}'.");
            if (found.IsCompleted)
            {
                return found;
            }

            await Task.Delay(Look, time, cancellation);
        }
    }

    public override Task<PurgeResult> PurgeInstanceAsync(string instanceId, PurgeInstanceOptions? options = null, CancellationToken cancellation = default) =>
        Task.FromResult(new PurgeResult(store.Purge(instanceId, options?.Recursive ?? false)));

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask; // store and engine are their owner's

    private static OrchestrationMetadata Metadata(InstanceRow row, bool payloads) => new(row.Name, row.InstanceId)
    {
        RuntimeStatus = row.Status,
        CreatedAt = row.CreatedAt,
        LastUpdatedAt = row.UpdatedAt,
        SerializedInput = payloads ? row.Input : null,
        SerializedOutput = payloads ? row.Output : null,
        SerializedCustomStatus = row.CustomStatus,
        FailureDetails = DurableJson.Read<TaskFailureDetails>(row.Failure),
    };
}
