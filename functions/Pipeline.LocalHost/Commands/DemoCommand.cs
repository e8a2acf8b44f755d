using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.LocalHost.Files;
using Pipeline.LocalHost.Hosting;
using Pipeline.LocalHost.Processes;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>demo</c>: the whole road on the sample, on this machine.</summary>
internal static class DemoCommand
{
    private const string Project = "tweets";

    public static Command Create()
    {
        Option<string> data = CommandOptions.Data("demo");
        Option<string?> json = CommandOptions.Json();
        var command = new Command("demo", "Drop the sample, train, evaluate, publish: everything on this machine")
        {
            data,
            json,
        };
        command.SetAction(
            (parsed, cancellation) =>
                RunAsync(Path.GetFullPath(parsed.GetRequiredValue(data)), parsed.GetValue(json), cancellation)
        );
        return command;
    }

    private static async Task<int> RunAsync(string data, string? json, CancellationToken cancellation)
    {
        IAnsiConsole console = AnsiConsole.Console;
        string sample = Path.Combine(RepositoryLayout.Samples, Project);
        Clear(data);
        await using EmbeddedHost host = await EmbeddedHost.StartAsync(
            new HostOptions { DataDirectory = data, LogToConsole = false },
            text => console.MarkupLineInterpolated($"{text}"),
            cancellation
        );
        await host.Storage.Files.WriteAsync(
            BlobLayout.Project(Project),
            await File.ReadAllBytesAsync(Path.Combine(sample, "project.yaml"), cancellation),
            cancellation
        );
        console.MarkupLineInterpolated(
            $"Dropping samples/tweets/tweets.csv into {BlobLayout.Raw(Project, "tweets.csv").ToString()}"
        );
        await host.Storage.Files.WriteAsync(
            BlobLayout.Raw(Project, "tweets.csv"),
            await File.ReadAllBytesAsync(Path.Combine(sample, "tweets.csv"), cancellation),
            cancellation
        );
        string runId = await StartedAsync(host, cancellation);
        var follower = new RunFollower(host.Storage, console);
        RunRecord run = await follower.FollowAsync(runId, cancellation);
        RunResult result = await RunSummary.GatherAsync(
            host.Storage,
            run,
            follower.DatasetSeconds,
            Path.Combine(data, "result"),
            RunSummary.PeakBytes(host.EmulatorProcessId is { } id ? [id] : []),
            cancellation
        );
        RunSummary.Print(console, result);
        if (json is not null)
        {
            await File.WriteAllBytesAsync(json, ContractJson.WriteUtf8(result, indented: true), cancellation);
        }

        return run.State == RunState.Completed ? 0 : 1;
    }

    /// <summary>The run that the drop has started.</summary>
    private static async Task<string> StartedAsync(EmbeddedHost host, CancellationToken cancellation)
    {
        while (true)
        {
            if (await host.Storage.Runs.ListAsync(Project, cancellation) is [var run, ..])
            {
                return run.RunId;
            }

            await Task.Delay(100, cancellation);
        }
    }

    /// <summary>Each demo starts from nothing: what an earlier one dropped would start no run.</summary>
    private static void Clear(string data)
    {
        if (Directory.Exists(data))
        {
            DataFolder.Lock(data).Dispose(); // nobody uses it

            if (
                !Directory.Exists(Path.Combine(data, "azurite"))
                && Directory.EnumerateFileSystemEntries(data).Any(e => Path.GetFileName(e) != "host.lock")
            )
            {
                throw new HostException(
                    $"'{data}' holds something that no demo has left there; name an empty folder with --data."
                );
            }

            Directory.Delete(data, recursive: true);
        }
    }
}
