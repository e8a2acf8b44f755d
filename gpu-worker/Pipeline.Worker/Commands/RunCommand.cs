using System.CommandLine;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
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
                using ILoggerFactory loggers = LoggerFactory.Create(ToStandardError);
                var loop = new TrainingQueueListener(
                    PipelineStorage.FromSettings(Environment.GetEnvironmentVariable),
                    new BaseModelFolders(Environment.GetEnvironmentVariable("PIPELINE_MODELS") ?? ""),
                    VisibilityTimeouts.FromSetting(Environment.GetEnvironmentVariable(VisibilityTimeouts.Setting)),
                    TimeProvider.System,
                    loggers.CreateLogger<TrainingQueueListener>(),
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
                    // it was stopped
                }

                await stop.CancelAsync();
                await watch;
                return 0;
            }
        );
        return command;
    }

    /// <summary>One line a message; standard output stays for results.</summary>
    private static void ToStandardError(ILoggingBuilder logging) =>
        logging
            .AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "HH:mm:ss ";
            })
            .Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);

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
