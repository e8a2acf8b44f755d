using Microsoft.Extensions.Configuration;

namespace Pipeline.LocalHost.Hosting;

/// <summary>
/// What the embedded host reads of host.json, so that it and a Functions host on the same account use one task hub.
/// </summary>
/// <param name="HubName">The task hub.</param>
/// <param name="Partitions">Its control queues: at most so many hosts share the orchestrators.</param>
/// <param name="MaxQueuePollingInterval">How long a queue in which nothing comes is left alone, at most.</param>
public sealed record HostFile(string HubName, int Partitions, TimeSpan MaxQueuePollingInterval)
{
    /// <summary>Reads the file beside the program.</summary>
    public static HostFile Read() => Read(Path.Combine(AppContext.BaseDirectory, "host.json"));

    /// <summary>Reads a file.</summary>
    /// <exception cref="HostException">A key is missing.</exception>
    public static HostFile Read(string path)
    {
        IConfigurationSection durable = new ConfigurationBuilder()
            .AddJsonFile(path)
            .Build()
            .GetSection("extensions:durableTask");
        T ValueOf<T>(string key) =>
            durable.GetValue<T>(key) ?? throw new HostException($"'{path}' has no extensions:durableTask:{key}.");
        return new HostFile(
            ValueOf<string>("hubName"),
            ValueOf<int>("storageProvider:partitionCount"),
            ValueOf<TimeSpan>("storageProvider:maxQueuePollingInterval")
        );
    }
}
