using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Processes;

/// <summary>Keeps the worker running as a child process; a worker that dies is started again.</summary>
internal sealed class WorkerProcess(
    StorageAccount account,
    string models,
    TimeProvider time,
    ILogger<WorkerProcess> logger
) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string assembly = RepositoryLayout.Worker();
        var environment = new Dictionary<string, string>(account.Settings) { ["PIPELINE_MODELS"] = models };
        while (!stoppingToken.IsCancellationRequested)
        {
            await using ChildProcess worker = ChildProcess.Start(
                Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet"
                    ? host
                    : "dotnet",
                ["exec", assembly, "run", "--parent", $"{Environment.ProcessId}"],
                Path.GetDirectoryName(assembly)!,
                ChildVariables.ForWorker(environment),
                line => Log.WorkerSaid(logger, line)
            );
            await worker.WaitForExitAsync(stoppingToken);
            Log.WorkerEnded(logger, worker.ExitCode);
            await Task.Delay(Pause, time, stoppingToken);
        }
    }
}
