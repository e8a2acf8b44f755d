using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Testing;

namespace Pipeline.Conformance.Tests;

/// <summary>A host for one test. This suite names no type but the official API's: it runs on whatever host its project references.</summary>
internal static class ConformanceHost
{
    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static Task<DurableTaskTestHost> StartAsync(Action<DurableTaskRegistry> registry) => DurableTaskTestHost.StartAsync(registry, null, Cancellation);

    /// <summary>Runs an orchestration to its end.</summary>
    public static async Task<OrchestrationMetadata> RunAsync(this DurableTaskTestHost host, string name, object? input = null)
    {
        string id = await host.Client.ScheduleNewOrchestrationInstanceAsync(name, input, (StartOrchestrationOptions?)null, Cancellation);
        return await host.EndAsync(id);
    }

    /// <summary>Starts an orchestration.</summary>
    public static Task<string> BeginAsync(this DurableTaskTestHost host, string name, object? input = null, string? instanceId = null) =>
        host.Client.ScheduleNewOrchestrationInstanceAsync(name, input, new StartOrchestrationOptions(instanceId), Cancellation);

    /// <summary>Waits for an orchestration's end.</summary>
    public static async Task<OrchestrationMetadata> EndAsync(this DurableTaskTestHost host, string id)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        return await host.Client.WaitForInstanceCompletionAsync(id, true, limit.Token);
    }

    /// <summary>Waits until an orchestration looks as asked for.</summary>
    public static async Task<OrchestrationMetadata> UntilAsync(this DurableTaskTestHost host, string id, Func<OrchestrationMetadata, bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (true)
        {
            if (await host.Client.GetInstanceAsync(id, true, limit.Token) is { } found && condition(found))
            {
                return found;
            }

            await Task.Delay(20, limit.Token);
        }
    }

    /// <summary>Throws where a value is asked for: a lambda that only throws would fit several overloads.</summary>
    public static T Fail<T>(Exception fault) => throw fault;

    public static TaskOptions Retry(int attempts, int firstMilliseconds = 10, double backoff = 1, TimeSpan? timeout = null) =>
        TaskOptions.FromRetryPolicy(new RetryPolicy(attempts, TimeSpan.FromMilliseconds(firstMilliseconds), backoff, null, timeout));
}
