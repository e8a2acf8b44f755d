namespace Pipeline.LocalHost.Hosting;

/// <summary>How the host runs.</summary>
public sealed record HostOptions
{
    /// <summary>Folder of histories, receipts and the emulator's data.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Port of the HTTP functions on loopback; 0: a free one.</summary>
    public int Port { get; init; }

    /// <summary>The address to listen on; <c>null</c>: loopback only.</summary>
    public System.Net.IPAddress? Listen { get; init; }

    /// <summary>Names under which the host may be called beside localhost.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Whether to start the worker.</summary>
    public bool StartWorker { get; init; } = true;

    /// <summary>Whether what happens is logged to the console.</summary>
    public bool LogToConsole { get; init; } = true;

    /// <summary>Settings over those of the environment.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();
}
