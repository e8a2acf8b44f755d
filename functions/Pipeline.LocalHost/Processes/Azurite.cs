using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Pipeline.LocalHost.Files;

namespace Pipeline.LocalHost.Processes;

/// <summary>
/// The storage emulator, installed from its lock file and run on loopback with a data folder of its own, on the ports
/// that the folder had before where they are free, and with a key of the folder's own. One that dies is started again
/// on the same ports.
/// </summary>
internal sealed class Azurite : IAsyncDisposable
{
    /// <summary>
    /// The emulator's account, whose well-known key is not taken: every page in a browser and every program of the
    /// machine knows it.
    /// </summary>
    private const string Account = "devstoreaccount1";
    private const string KeyFile = "account.key";
    private const int KeyBytes = 64; // as an account in Azure has
    private const string ProcessFile = "process-id";
    private const string PortsFile = "ports";
    private static readonly TimeSpan ProcessTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(2);
    private const int MaxPortAttempts = 3;
    private static readonly TimeSpan RestartPause = TimeSpan.FromMilliseconds(500);
    private readonly string _data;
    private readonly int[] _ports;
    private readonly string _key;
    private readonly Action<string> _report;
    private readonly CancellationTokenSource _stop = new();
    private ChildProcess _process;
    private Task _watch = Task.CompletedTask;

    private Azurite(string data, int[] ports, ChildProcess process, Action<string> say)
    {
        (_data, _ports, _process, _report) = (data, ports, process, say);
        _key = KeyOf(data);
    }

    public string ConnectionString => BuildConnectionString(_ports, _key);

    /// <summary>
    /// The connection string of a data folder's emulator, running or not; <c>null</c>: there was none on it.
    /// </summary>
    public static string? ConnectionOf(string data) =>
        Path.Combine(data, PortsFile) is var file
        && File.Exists(file)
        && ParsePorts(File.ReadAllText(file)) is { Length: 3 } ports
            ? BuildConnectionString(ports, KeyOf(data))
            : null;

    private static string KeyOf(string data) =>
        DataFolder.Secret(Path.Combine(data, KeyFile), KeyBytes, Convert.ToBase64String);

    private static string BuildConnectionString(int[] ports, string key) =>
        $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={key};"
        + $"BlobEndpoint=http://127.0.0.1:{ports[0]}/{Account};QueueEndpoint=http://127.0.0.1:{ports[1]}/{Account};"
        + $"TableEndpoint=http://127.0.0.1:{ports[2]}/{Account};";

    public int ProcessId => _process.Id;

    /// <summary>Installs the emulator where that was not done yet, and starts it.</summary>
    /// <param name="data">Its data folder.</param>
    /// <param name="say">Told what takes long, and that it was started again.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="HostException">Node is missing, or the emulator does not start.</exception>
    public static async Task<Azurite> StartAsync(string data, Action<string> say, CancellationToken cancellation)
    {
        await AzuriteInstallation.EnsureAsync(say, cancellation);
        DataFolder.Create(data);
        await WaitForPreviousExitAsync(Path.Combine(data, ProcessFile), cancellation);
        (int[] ports, ChildProcess process) = await LaunchOnFreePortsAsync(data, cancellation);
        var azurite = new Azurite(data, ports, process, say);
        azurite._watch = azurite.WatchAsync();
        return azurite;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watch;
        await _process.DisposeAsync();
        _stop.Dispose();
    }

    /// <summary>Starts it again when it has died: what it wrote until some seconds before is there.</summary>
    private async Task WatchAsync()
    {
        while (true)
        {
            try
            {
                await _process.WaitForExitAsync(_stop.Token);
                _report(
                    $"The storage emulator ended with exit code {_process.ExitCode}; starting it again. What was "
                        + "written in its last seconds may be lost."
                );
                ChildProcess next = await LaunchAsync(_data, _ports, _stop.Token);
                await _process.DisposeAsync();
                _process = next;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception fault) when (fault is HostException or IOException)
            {
                _report(fault.Message);
                await Task.Delay(RestartPause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>A port that was free may be taken before the emulator listens on it; then others are tried.</summary>
    private static async Task<(int[] Ports, ChildProcess Process)> LaunchOnFreePortsAsync(
        string data,
        CancellationToken cancellation
    )
    {
        for (int attempt = 1; ; attempt++)
        {
            int[] ports = await PortsAsync(Path.Combine(data, PortsFile), cancellation);
            try
            {
                return (ports, await LaunchAsync(data, ports, cancellation));
            }
            catch (HostException fault)
                when (attempt < MaxPortAttempts && fault.Message.Contains("EADDRINUSE", StringComparison.Ordinal))
            {
                File.Delete(Path.Combine(data, PortsFile));
            }
        }
    }

    private static async Task<ChildProcess> LaunchAsync(string data, int[] ports, CancellationToken cancellation)
    {
        var output = new List<string>();
        ChildProcess process = StartNode(
            [
                "run.js",
                "--silent",
                "--skipApiVersionCheck",
                "--disableTelemetry",
                "--location",
                data,
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                $"{ports[0]}",
                "--queueHost",
                "127.0.0.1",
                "--queuePort",
                $"{ports[1]}",
                "--tableHost",
                "127.0.0.1",
                "--tablePort",
                $"{ports[2]}",
            ],
            new Dictionary<string, string>
            {
                ["PIPELINE_PARENT"] = $"{Environment.ProcessId}",
                ["AZURITE_ACCOUNTS"] = $"{Account}:{KeyOf(data)}",
            },
            output.Add
        );
        try
        {
            await File.WriteAllTextAsync(Path.Combine(data, ProcessFile), $"{process.Id}", cancellation);
            foreach (int port in ports)
            {
                await WaitForPortAsync(process, port, output, cancellation);
            }

            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// The ports that the folder had before, so that settings that name them stay true; others where these are taken.
    /// </summary>
    private static async Task<int[]> PortsAsync(string file, CancellationToken cancellation)
    {
        int[] ports = File.Exists(file) ? ParsePorts(await File.ReadAllTextAsync(file, cancellation)) : [];
        if (ports.Length != 3 || !ports.All(IsFree))
        {
            ports = [FreePort(), FreePort(), FreePort()];
            await File.WriteAllTextAsync(file, string.Join(' ', ports), cancellation);
        }

        return ports;
    }

    private static int[] ParsePorts(string text) =>
        [.. text.Split(' ').Select(p => int.TryParse(p, out int port) ? port : 0)];

    private static bool IsFree(int port)
    {
        if (port is <= 0 or > ushort.MaxValue)
        {
            return false;
        }

        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>
    /// The emulator of a host that was killed ends by itself and writes its files first: two on one folder would undo
    /// each other.
    /// </summary>
    private static async Task WaitForPreviousExitAsync(string file, CancellationToken cancellation)
    {
        if (!File.Exists(file) || !int.TryParse(await File.ReadAllTextAsync(file, cancellation), out int id))
        {
            return;
        }

        try
        {
            using var earlier = Process.GetProcessById(id);
            if (earlier.ProcessName.StartsWith("node", StringComparison.Ordinal))
            {
                await earlier.WaitForExitAsync(cancellation).WaitAsync(ProcessTimeout, cancellation);
            }
        }
        catch (ArgumentException)
        {
            // it has ended
        }
        catch (TimeoutException)
        {
            throw new HostException(
                $"The storage emulator of an earlier host (process {id}) has not exited; stop it and try again."
            );
        }
    }

    private static ChildProcess StartNode(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string> environment,
        Action<string> onLine
    )
    {
        try
        {
            return ChildProcess.Start(
                "node",
                arguments,
                RepositoryLayout.Azurite,
                new ChildVariables(environment, AzuriteInstallation.NodeVariables),
                onLine
            );
        }
        catch (HostException)
        {
            throw AzuriteInstallation.NodeIsMissing();
        }
    }

    private static async Task WaitForPortAsync(
        ChildProcess process,
        int port,
        List<string> output,
        CancellationToken cancellation
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(StartTimeout);
        while (true)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, limit.Token);
                return;
            }
            catch (SocketException) when (!process.HasExited && !limit.IsCancellationRequested)
            {
                // not yet
            }
            catch (Exception fault)
                when (fault is SocketException
                    || (fault is OperationCanceledException && !cancellation.IsCancellationRequested)
                )
            {
                throw new HostException(
                    process.HasExited
                        ? $"The storage emulator did not start: {string.Join(' ', output.ToArray().TakeLast(3))}"
                        : $"The storage emulator did not answer within {StartTimeout.TotalMinutes:0} minutes; stop "
                            + "what "
                            + "else keeps the machine busy and try again."
                );
            }

            await Task.Delay(100, cancellation);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
