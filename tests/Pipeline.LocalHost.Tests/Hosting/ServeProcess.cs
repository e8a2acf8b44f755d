using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Pipeline.Storage;

namespace Pipeline.LocalHost.Tests.Hosting;

/// <summary><c>serve</c> as a process of its own, to be killed.</summary>
internal sealed class ServeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output;

    private ServeProcess(Process process, StringBuilder output, PipelineStorage storage, Uri address)
    {
        (_process, _output, Storage, Address) = (process, output, storage, address);
    }

    public PipelineStorage Storage { get; }

    public Uri Address { get; }

    /// <summary>All that it has printed.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts it on a data folder and waits until it answers.</summary>
    public static async Task<ServeProcess> StartAsync(
        string data,
        IReadOnlyDictionary<string, string> environment,
        CancellationToken cancellation
    )
    {
        ProcessStartInfo info = DotnetProgram.Start(
            "Pipeline.LocalHost.dll",
            ["serve", "--data", data, "--port", "0"],
            environment
        );
        info.RedirectStandardOutput = true;
        info.RedirectStandardError = true;
        Process process = Process.Start(info)!;
        var output = new StringBuilder();
        process.OutputDataReceived += (_, e) => Add(output, e.Data);
        process.ErrorDataReceived += (_, e) => Add(output, e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        string file = Path.Combine(data, "endpoint.json");
        while (true)
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"serve ended with exit code {process.ExitCode}: {output}");
            }

            if (
                File.Exists(file)
                && Read(file) is { } endpoint
                && endpoint.GetProperty("processId").GetInt32() == process.Id
            )
            {
                return new ServeProcess(
                    process,
                    output,
                    PipelineStorage.FromConnectionString(endpoint.GetProperty("emulatorConnection").GetString()!),
                    new Uri(endpoint.GetProperty("address").GetString()!)
                );
            }

            await Task.Delay(50, cancellation);
        }
    }

    /// <summary>Kills the host as a power cut would.</summary>
    public void KillHost()
    {
        _process.Kill(entireProcessTree: false); // SIGKILL
        _process.WaitForExit();
    }

    /// <summary>Kills its worker.</summary>
    /// <returns>Whether there was one.</returns>
    public bool KillWorker()
    {
        foreach (int id in Descendants.Find(_process.Id, "Pipeline.Worker.dll"))
        {
            using Process worker = Process.GetProcessById(id);
            worker.Kill();
            worker.WaitForExit();
            return true;
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using Process? stop = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
            await stop!.WaitForExitAsync();
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }

        _process.Dispose();
    }

    private static void Add(StringBuilder output, string? line)
    {
        lock (output)
        {
            output.AppendLine(line);
        }
    }

    private static JsonElement? Read(string file)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(file)).RootElement;
        }
        catch (Exception fault) when (fault is JsonException or IOException)
        {
            return null; // it is being written
        }
    }
}
