using System.Diagnostics;
using System.Runtime.InteropServices;
using Pipeline.Contracts;

namespace Pipeline.LocalHost.Processes;

/// <summary>Variables of a child's environment beside those that every program needs.</summary>
/// <param name="Own">Names and values.</param>
/// <param name="Prefixes">Beginnings of names that are taken over from the host's environment.</param>
internal sealed record ChildVariables(IReadOnlyDictionary<string, string> Own, params string[] Prefixes)
{
    /// <summary>
    /// What the worker, PyTorch and the machine's identity are told by the environment. A language model's key is not
    /// among it: the worker asks none.
    /// </summary>
    public static ChildVariables ForWorker(IReadOnlyDictionary<string, string> own) =>
        new(
            own,
            [
                .. (string[])["PIPELINE_", "WorkerMessageHidden", "DOTNET_", "XDG_CACHE_HOME"],
                .. (string[])["TORCH", "PYTORCH_", "CUDA_", "NVIDIA_", "OMP_", "GOMP_", "KMP_", "MKL_"],
                .. (string[])["AZURE_CLIENT", "AZURE_TENANT", "AZURE_FEDERATED", "AZURE_AUTHORITY", "AZURE_CONFIG"],
                .. (string[])["IDENTITY_", "MSI_"],
            ]
        );
}

/// <summary>A process that the host started and ends with itself.</summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;
    public bool HasExited => _process.HasExited;
    public int ExitCode => _process.ExitCode;

    /// <summary>Starts a program.</summary>
    /// <param name="file">The program, found on PATH.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="directory">Where it runs.</param>
    /// <param name="variables">What of the host's environment it is given, and what else.</param>
    /// <param name="onLine">Called with each line that it prints.</param>
    /// <exception cref="HostException">There is no such program.</exception>
    public static ChildProcess Start(
        string file,
        IEnumerable<string> arguments,
        string directory,
        ChildVariables variables,
        Action<string> onLine
    )
    {
        ArgumentNullException.ThrowIfNull(variables);
        var info = new ProcessStartInfo(file, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        ChildEnvironment.Apply(info.Environment, variables.Own, variables.Prefixes);
        Process process;
        try
        {
            process = Process.Start(info)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new HostException($"'{file}' cannot be started: it is not on PATH.");
        }

        process.StandardInput.Close();
        void Line(object _, DataReceivedEventArgs e)
        {
            if (!string.IsNullOrWhiteSpace(e.Data))
            {
                onLine(e.Data);
            }
        }

        process.OutputDataReceived += Line;
        process.ErrorDataReceived += Line;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new ChildProcess(process);
    }

    public Task WaitForExitAsync(CancellationToken cancellation) => _process.WaitForExitAsync(cancellation);

    /// <summary>Asks the process to end, and ends it when it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            if (OperatingSystem.IsWindows())
            {
                _process.Kill(entireProcessTree: true);
            }
            else
            {
                _ = Kill(_process.Id, Terminate);
            }

            using var patience = new CancellationTokenSource(Grace);
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
    }

    private const int Terminate = 15; // SIGTERM

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);
}
