using DurableTask.Core;
using DurableTask.Core.History;
using DurableTask.Core.Query;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Converters;
using Core = DurableTask.Core;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// The durable client over the task hub in this process. It refuses what the Functions host refuses: to end, suspend or
/// tell an instance that has ended or never was, to purge one that runs, and to start one whose id runs already.
/// </summary>
internal sealed class EmbeddedDurableClient(EmbeddedTaskHub hub, TimeProvider time) : DurableTaskClient("embedded")
{
    private static readonly JsonDataConverter Json = JsonDataConverter.Default;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(100);
    private static readonly Core.OrchestrationStatus[] Unfinished =
    [
        Core.OrchestrationStatus.Pending,
        Core.OrchestrationStatus.Running,
        Core.OrchestrationStatus.Suspended,
        Core.OrchestrationStatus.ContinuedAsNew,
    ];

    /// <exception cref="Core.Exceptions.OrchestrationAlreadyExistsException">An instance of this id has not
    /// ended.</exception>
    public override async Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName,
        object? input = null,
        StartOrchestrationOptions? options = null,
        CancellationToken cancellation = default
    )
    {
        cancellation.ThrowIfCancellationRequested();
        string id = options?.InstanceId ?? Guid.NewGuid().ToString("N");
        var instance = new OrchestrationInstance { InstanceId = id, ExecutionId = Guid.NewGuid().ToString("N") };
        var started = new ExecutionStartedEvent(-1, Json.Serialize(input))
        {
            Name = orchestratorName.Name,
            Version = options?.Version?.Version ?? "",
            OrchestrationInstance = instance,
            ScheduledStartTime = options?.StartAt?.UtcDateTime,
        };
        await hub.Service.CreateTaskOrchestrationAsync(
            new TaskMessage { OrchestrationInstance = instance, Event = started },
            Unfinished
        );
        return id;
    }

    /// <exception cref="InvalidOperationException">There is no instance of this id that has not ended.</exception>
    public override Task RaiseEventAsync(
        string instanceId,
        string eventName,
        object? eventPayload = null,
        CancellationToken cancellation = default
    ) =>
        SendAsync(
            instanceId,
            new EventRaisedEvent(-1, Json.Serialize(eventPayload)) { Name = eventName },
            cancellation
        );

    /// <exception cref="InvalidOperationException">There is no instance of this id that has not ended.</exception>
    public override async Task TerminateInstanceAsync(
        string instanceId,
        TerminateInstanceOptions? options = null,
        CancellationToken cancellation = default
    )
    {
        await UnfinishedAsync(instanceId, cancellation);
        await hub.Service.ForceTerminateTaskOrchestrationAsync(instanceId, Json.Serialize(options?.Output));
    }

    /// <exception cref="InvalidOperationException">There is no instance of this id that has not ended.</exception>
    public override Task SuspendInstanceAsync(
        string instanceId,
        string? reason = null,
        CancellationToken cancellation = default
    ) => SendAsync(instanceId, new ExecutionSuspendedEvent(-1, reason), cancellation);

    /// <exception cref="InvalidOperationException">There is no instance of this id that has not ended.</exception>
    public override Task ResumeInstanceAsync(
        string instanceId,
        string? reason = null,
        CancellationToken cancellation = default
    ) => SendAsync(instanceId, new ExecutionResumedEvent(-1, reason), cancellation);

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(
        string instanceId,
        bool getInputsAndOutputs = false,
        CancellationToken cancellation = default
    ) =>
        WaitAsync(
            instanceId,
            getInputsAndOutputs,
            m => m.RuntimeStatus != OrchestrationRuntimeStatus.Pending,
            cancellation
        );

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(
        string instanceId,
        bool getInputsAndOutputs = false,
        CancellationToken cancellation = default
    ) => WaitAsync(instanceId, getInputsAndOutputs, m => m.IsCompleted, cancellation);

    public override async Task<OrchestrationMetadata?> GetInstancesAsync(
        string instanceId,
        bool getInputsAndOutputs = false,
        CancellationToken cancellation = default
    )
    {
        cancellation.ThrowIfCancellationRequested();
        return
            (await hub.Service.GetOrchestrationStateAsync(instanceId, allExecutions: false)).FirstOrDefault()
                is { } state
            ? Metadata(state, getInputsAndOutputs)
            : null;
    }

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(
        Microsoft.DurableTask.Client.OrchestrationQuery? filter = null
    ) =>
        Pageable.Create(
            async (continuation, pageSize, cancellation) =>
            {
                var query = new Core.Query.OrchestrationQuery
                {
                    RuntimeStatus = filter?.Statuses?.Select(s => (Core.OrchestrationStatus)(int)s).ToList(),
                    CreatedTimeFrom = filter?.CreatedFrom?.UtcDateTime,
                    CreatedTimeTo = filter?.CreatedTo?.UtcDateTime,
                    PageSize =
                        pageSize ?? filter?.PageSize ?? Microsoft.DurableTask.Client.OrchestrationQuery.DefaultPageSize,
                    ContinuationToken = continuation ?? filter?.ContinuationToken,
                    InstanceIdPrefix = filter?.InstanceIdPrefix,
                    FetchInputsAndOutputs = filter?.FetchInputsAndOutputs ?? false,
                };
                OrchestrationQueryResult result = await hub.Service.GetOrchestrationWithQueryAsync(query, cancellation);
                return new Page<OrchestrationMetadata>(
                    [.. result.OrchestrationState.Select(s => Metadata(s, query.FetchInputsAndOutputs))],
                    result.ContinuationToken
                );
            }
        );

    /// <exception cref="InvalidOperationException">The instance has not ended.</exception>
    public override async Task<Microsoft.DurableTask.Client.PurgeResult> PurgeInstanceAsync(
        string instanceId,
        PurgeInstanceOptions? options = null,
        CancellationToken cancellation = default
    )
    {
        if (await GetInstancesAsync(instanceId, false, cancellation) is not { } found)
        {
            return new Microsoft.DurableTask.Client.PurgeResult(0);
        }

        if (!found.IsCompleted)
        {
            throw new InvalidOperationException(
                $"The orchestration '{instanceId}' is {found.RuntimeStatus}; only one that has ended can be purged."
            );
        }

        Core.PurgeResult done = await ((IOrchestrationServicePurgeClient)hub.Service).PurgeInstanceStateAsync(
            instanceId
        );
        return new Microsoft.DurableTask.Client.PurgeResult(done.DeletedInstanceCount);
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask; // the hub is its owner's

    private async Task SendAsync(string instanceId, HistoryEvent historyEvent, CancellationToken cancellation)
    {
        await UnfinishedAsync(instanceId, cancellation);
        await hub.Service.SendTaskOrchestrationMessageAsync(
            new TaskMessage
            {
                OrchestrationInstance = new OrchestrationInstance { InstanceId = instanceId },
                Event = historyEvent,
            }
        );
    }

    private async Task UnfinishedAsync(string instanceId, CancellationToken cancellation)
    {
        OrchestrationMetadata found =
            await GetInstancesAsync(instanceId, false, cancellation)
            ?? throw new InvalidOperationException($"There is no orchestration '{instanceId}'.");
        if (found.IsCompleted)
        {
            throw new InvalidOperationException($"The orchestration '{instanceId}' is {found.RuntimeStatus}.");
        }
    }

    private async Task<OrchestrationMetadata> WaitAsync(
        string instanceId,
        bool payloads,
        Func<OrchestrationMetadata, bool> until,
        CancellationToken cancellation
    )
    {
        while (true)
        {
            OrchestrationMetadata found =
                await GetInstancesAsync(instanceId, payloads, cancellation)
                ?? throw new InvalidOperationException($"There is no orchestration '{instanceId}'.");
            if (until(found))
            {
                return found;
            }

            await Task.Delay(PollInterval, time, cancellation);
        }
    }

    private static OrchestrationMetadata Metadata(OrchestrationState state, bool payloads) =>
        new(state.Name, state.OrchestrationInstance.InstanceId)
        {
            RuntimeStatus = (OrchestrationRuntimeStatus)(int)state.OrchestrationStatus,
            CreatedAt = state.CreatedTime,
            LastUpdatedAt = state.LastUpdatedTime,
            SerializedInput = payloads ? state.Input : null,
            SerializedOutput = payloads ? state.Output : null,
            SerializedCustomStatus = payloads ? state.Status : null,
            FailureDetails = Failure(state.FailureDetails),
            DataConverter = Json,
        };

    private static TaskFailureDetails? Failure(FailureDetails? failure) =>
        failure is null
            ? null
            : new TaskFailureDetails(
                failure.ErrorType,
                failure.ErrorMessage,
                failure.StackTrace,
                Failure(failure.InnerFailure),
                failure.Properties
            );
}
