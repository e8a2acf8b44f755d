using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// A host to talk to: the one that <c>serve</c> runs on a data folder, or one started for the command.
/// </summary>
internal sealed class HostSession : IAsyncDisposable
{
    private readonly EmbeddedHost? _own;
    private readonly HttpClient _http;

    private HostSession(EmbeddedHost? own, PipelineStorage storage, Uri address, string? key)
    {
        (_own, Storage) = (own, storage);
        _http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };
        if (key is not null)
        {
            FunctionKey.AddTo(_http, key);
        }
    }

    public PipelineStorage Storage { get; }

    /// <summary>Ids of the host's processes whose memory counts, beside this one.</summary>
    public int[] ProcessIds => _own?.EmulatorProcessId is { } id ? [id] : [];

    /// <summary>Connects to a running host, or starts one.</summary>
    public static async Task<HostSession> OpenAsync(
        HostOptions options,
        Action<string> say,
        CancellationToken cancellation
    )
    {
        if (HostEndpoint.Read(options.DataDirectory) is { } endpoint)
        {
            if (
                endpoint.EmulatorConnection is null
                && StorageAccount.From(options.Settings, Environment.GetEnvironmentVariable) is null
            )
            {
                throw new HostException(
                    $"The host on '{options.DataDirectory}' uses a storage account; set "
                        + $"{StorageAccount.ConnectionSetting} or {StorageAccount.NameSetting} to the same."
                );
            }

            PipelineStorage storage = endpoint.EmulatorConnection is { } connection
                ? PipelineStorage.FromConnectionString(connection)
                : PipelineStorage.FromSettings(Environment.GetEnvironmentVariable);
            return new HostSession(null, storage, endpoint.Address, FunctionKey.Read(options.DataDirectory));
        }

        EmbeddedHost host = await EmbeddedHost.StartAsync(options, say, cancellation);
        return new HostSession(host, host.Storage, host.Address, options.Key);
    }

    /// <summary>Does something with the host of a data folder, without a worker.</summary>
    public static async Task<int> UseAsync(
        string data,
        Func<HostSession, Task<int>> work,
        CancellationToken cancellation
    )
    {
        await using HostSession session = await OpenAsync(
            new HostOptions
            {
                DataDirectory = Path.GetFullPath(data),
                StartWorker = false,
                LogToConsole = false,
            },
            Console.WriteLine,
            cancellation
        );
        return await work(session);
    }

    /// <summary>Calls an HTTP function.</summary>
    /// <exception cref="HostException">It refused; its message.</exception>
    public async Task<T> CallAsync<T>(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken cancellation
    )
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        using HttpResponseMessage response = await _http.SendAsync(request, cancellation);
        if (!response.IsSuccessStatusCode)
        {
            string body = await response.Content.ReadAsStringAsync(cancellation);
            throw new HostException(Error(body) ?? $"{method} {path} answered {(int)response.StatusCode}.");
        }

        return (await response.Content.ReadFromJsonAsync<T>(ContractJson.Compact, cancellation))!;
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (_own is not null)
        {
            await _own.DisposeAsync();
        }
    }

    private static string? Error(string body)
    {
        try
        {
            return JsonDocument.Parse(body).RootElement.GetProperty("detail").GetString();
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }
}

/// <summary>Where a running <c>serve</c> answers: a file in its data folder, gone when it has ended.</summary>
/// <param name="ProcessId">Its process.</param>
/// <param name="Address">Of its HTTP functions.</param>
/// <param name="EmulatorConnection">Of the storage emulator; <c>null</c> for a storage account, whose secret is never
/// written down.</param>
internal sealed record HostEndpoint(int ProcessId, Uri Address, string? EmulatorConnection)
{
    private const string FileName = "endpoint.json";

    public void Write(string dataDirectory) =>
        File.WriteAllBytes(Path.Combine(dataDirectory, FileName), ContractJson.WriteUtf8(this));

    public static void Delete(string dataDirectory) => File.Delete(Path.Combine(dataDirectory, FileName));

    public static HostEndpoint? Read(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        HostEndpoint endpoint = ContractJson.Read<HostEndpoint>(File.ReadAllBytes(path));
        try
        {
            using Process process = Process.GetProcessById(endpoint.ProcessId);
            return process.HasExited ? null : endpoint;
        }
        catch (ArgumentException)
        {
            return null; // it ended without tidying up
        }
    }
}
