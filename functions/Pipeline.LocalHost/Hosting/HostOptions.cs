using Pipeline.Contracts;

namespace Pipeline.LocalHost.Hosting;

/// <summary>How the host runs.</summary>
public sealed record HostOptions
{
    /// <summary>Folder of the emulator's data, and of what says where the host answers.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Port of the HTTP functions on loopback; 0: a free one.</summary>
    public int Port { get; init; }

    /// <summary>The address to listen on; <c>null</c>: loopback only.</summary>
    public System.Net.IPAddress? Listen { get; init; }

    /// <summary>The key that HTTP functions ask for (<see cref="FunctionKey"/>); <c>null</c>: none.</summary>
    public string? Key { get; init; }

    /// <summary>
    /// The host among those of its account: one of a data folder that starts again takes its partitions up at once.
    /// </summary>
    public string WorkerId => $"{Environment.MachineName}-{ContentHash.ShortOf(Path.GetFullPath(DataDirectory))}";

    /// <summary>
    /// For tests: stands between the engine and an activity; given its name and what runs it, as often as it is called.
    /// </summary>
    internal Func<string, Func<Task<object?>>, Task<object?>>? AroundActivity { get; init; }

    /// <summary>After so long, what a host that was killed had in hand goes on at another.</summary>
    internal TimeSpan VisibilityTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>For tests: where the host logs beside the console; <c>null</c>: nowhere.</summary>
    internal Microsoft.Extensions.Logging.ILoggerProvider? Logs { get; init; }

    /// <summary>Names under which the host may be called beside localhost.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Whether to start the worker.</summary>
    public bool StartWorker { get; init; } = true;

    /// <summary>Whether what happens is logged to the console.</summary>
    public bool LogToConsole { get; init; } = true;

    /// <summary>Settings over those of the environment.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();
}
