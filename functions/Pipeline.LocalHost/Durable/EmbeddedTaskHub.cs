using Azure.Identity;
using Azure.Storage.Queues;
using DurableTask.AzureStorage;
using DurableTask.Core;
using Microsoft.DurableTask.Worker;
using Microsoft.DurableTask.Worker.Shims;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Durable;

/// <summary>
/// Microsoft's durable engine in this process: the Durable Task Framework on the storage backend that Azure Functions
/// uses (DurableTask.AzureStorage). Several hosts on one account share a task hub: each holds the leases of some
/// partitions, and takes those of one that has gone.
/// </summary>
internal sealed class EmbeddedTaskHub : IHostedService, IDisposable
{
    /// <summary>After so long without a renewal a partition is anybody's.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LeaseInterval = TimeSpan.FromSeconds(5);
    private const int MaxActivities = 8;
    private const int MaxOrchestrators = 32;

    /// <summary>More than wait while storage is away (each orchestrator, activity, renewal and queue), so that the
    /// leases are still renewed.</summary>
    private const int MaxRequests = 100;

    /// <summary>About ten minutes of <see cref="LongestRetryDelay"/>.</summary>
    private const int QueueRetries = 120;
    private static readonly TimeSpan LongestRetryDelay = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly AzureStorageOrchestrationService _service;
    private readonly TaskHubWorker _worker;

    /// <summary>On an account.</summary>
    /// <param name="options">Which hub, and this host's part in it.</param>
    /// <param name="tasks">Orchestrators and activities; given what is cancelled when the hub stops.</param>
    /// <param name="services">Handed to what the engine makes.</param>
    /// <param name="logs">Where it logs.</param>
    public EmbeddedTaskHub(
        TaskHubOptions options,
        Func<CancellationToken, IDurableTaskFactory> tasks,
        IServiceProvider services,
        ILoggerFactory logs
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        _service = new AzureStorageOrchestrationService(
            new AzureStorageOrchestrationServiceSettings
            {
                StorageAccountClientProvider = Clients(options.Account),
                TaskHubName = options.File.HubName,
                PartitionCount = options.File.Partitions,
                WorkerId = options.WorkerId,
                UseAppLease = false,
                ControlQueueVisibilityTimeout = options.VisibilityTimeout,
                WorkItemQueueVisibilityTimeout = options.VisibilityTimeout,
                LeaseInterval = Lease,
                LeaseRenewInterval = LeaseInterval,
                LeaseAcquireInterval = LeaseInterval,
                MaxQueuePollingInterval = options.File.MaxQueuePollingInterval,
                MaxConcurrentTaskActivityWorkItems = MaxActivities,
                MaxStorageOperationConcurrency = MaxRequests,
                MaxConcurrentTaskOrchestrationWorkItems = MaxOrchestrators,
                ThrowExceptionOnInvalidDedupeStatus = true,
                LoggerFactory = logs,
            }
        );
        IDurableTaskFactory factory = tasks(_stopping.Token);
        var shims = new DurableTaskShimFactory(new DurableTaskWorkerOptions(), logs);
        _worker = new TaskHubWorker(
            ShortPauses.Over(_service),
            new OrchestratorObjects(factory, shims, services),
            new ActivityObjects(factory, shims, services),
            logs
        )
        {
            ErrorPropagationMode = ErrorPropagationMode.UseFailureDetails,
        };
    }

    /// <summary>For the client.</summary>
    public AzureStorageOrchestrationService Service => _service;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _service.CreateIfNotExistsAsync();
        await _worker.StartAsync();
    }

    /// <summary>
    /// Gives back what is in hand: activities are asked to stop, and another host, or the next start, takes them up.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await _worker.StopAsync(isForced: false);
    }

    public void Dispose()
    {
        _worker.Dispose();
        _service.Dispose();
        _stopping.Dispose();
    }

    /// <summary>
    /// The engine's clients. Those of its queues retry for minutes: an activity whose result cannot be sent, and whose
    /// message cannot be given back, stays in the engine's list of those that run, and no host starts it again before
    /// this one ends. The Azure SDK's three retries bridge six seconds.
    /// </summary>
    private static StorageAccountClientProvider Clients(StorageAccount account)
    {
        var patient = new QueueClientOptions { Retry = { MaxRetries = QueueRetries, MaxDelay = LongestRetryDelay } };
        if (account.ConnectionString is { } connection)
        {
            return new StorageAccountClientProvider(
                StorageServiceClientProvider.ForBlob(connection),
                StorageServiceClientProvider.ForQueue(connection, patient),
                StorageServiceClientProvider.ForTable(connection)
            );
        }

        var identity = new DefaultAzureCredential();
        return new StorageAccountClientProvider(
            StorageServiceClientProvider.ForBlob(account.Name!, identity),
            StorageServiceClientProvider.ForQueue(account.Name!, identity, patient),
            StorageServiceClientProvider.ForTable(account.Name!, identity)
        );
    }
}
