using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Durable;

/// <summary>A task hub on a storage account, and one host's part in it.</summary>
/// <param name="Account">The account.</param>
/// <param name="WorkerId">This host among those of the account.</param>
/// <param name="VisibilityTimeout">For how long a message is hidden from other hosts; it is renewed while the work goes
/// on.</param>
/// <param name="File">host.json: the task hub's name and number of partitions, the same as under Azure
/// Functions.</param>
internal sealed record TaskHubOptions(
    StorageAccount Account,
    string WorkerId,
    TimeSpan VisibilityTimeout,
    HostFile File
);
