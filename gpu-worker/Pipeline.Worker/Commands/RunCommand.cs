using System.CommandLine;
using System.Diagnostics;
using Pipeline.Model.Gpu;
using Pipeline.Storage;
using Pipeline.Tokenization;
using Pipeline.Worker.Queue;

namespace Pipeline.Worker.Commands;

/// <summary><c>run</c>: jobs off the queue until stopped.</summary>
internal static class RunCommand
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    public static Command Create()
    {
        var idleExit = new Option<int?>("--idle-exit")
        {
            Description = "End after this many seconds without work; default: never",
        };
        var parent = new Option<int?>("--parent") { Description = "End when the process of this id has" };
        Option<string> deviceOption = DeviceOption.Create();
        var command = new Command("run", "Take jobs off the queue training-jobs") { idleExit, parent, deviceOption };
        command.SetAction(
            async (parsed, cancellation) =>
            {
                using Accelerator? gpu = DeviceOption.Open(parsed, deviceOption);
                var loop = new QueueLoop(
                    PipelineStorage.FromSettings(Environment.GetEnvironmentVariable),
                    new BaseModelFolders(Environment.GetEnvironmentVariable("PIPELINE_MODELS") ?? ""),
                    VisibilityTimeouts.FromSetting(Environment.GetEnvironmentVariable(VisibilityTimeouts.Setting)),
                    TimeProvider.System,
                    gpu
                );
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                Task watch = parsed.GetValue(parent) is { } id ? WatchAsync(id, stop) : Task.CompletedTask;
                try
                {
                    await loop.RunAsync(
                        parsed.GetValue(idleExit) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                        stop.Token
                    );
                }
                catch (OperationCanceledException)
                {
                    // asked to stop
                }

                await stop.CancelAsync();
                await watch;
                return 0;
            }
        );
        return command;
    }

    private static async Task WatchAsync(int processId, CancellationTokenSource stop)
    {
        try
        {
            using Process process = Process.GetProcessById(processId);
            await process.WaitForExitAsync(stop.Token);
            await stop.CancelAsync();
            // storage may be gone with the host: a worker does not outlive it for long
            _ = Task.Delay(Grace).ContinueWith(_ => Environment.Exit(1), TaskScheduler.Default);
        }
        catch (ArgumentException)
        {
            await stop.CancelAsync(); // it has ended already
        }
        catch (OperationCanceledException)
        {
            // the loop has ended first
        }
    }
}
