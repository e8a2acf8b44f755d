using System.CommandLine;
using System.Net.Http.Json;
using Pipeline.Contracts;
using Pipeline.Datasets.Lineage;
using Pipeline.LocalHost.Hosting;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>trace ROW</c>, <c>affected</c> and <c>rebuild --without</c>: from a row to its source, from a source's row to
/// what saw it, and on without it.
/// </summary>
internal static class RowCommands
{
    public static IEnumerable<Command> Create() => [Trace(), Affected(), Rebuild()];

    private static Command Trace()
    {
        var row = new Argument<string>("ROW")
        {
            Description = "The row's id, as the dataset's files have it: tweets.csv#12",
        };
        var dataset = new Option<string>("--dataset") { Required = true, Description = "The dataset's folder" };
        var command = new Command("trace", "Say where a row of a dataset comes from") { row, dataset };
        command.SetAction(parsed =>
        {
            string folder = parsed.GetRequiredValue(dataset);
            if (!File.Exists(Path.Combine(folder, BlobLayout.ManifestFile)))
            {
                throw new HostException($"'{folder}' holds no dataset: {BlobLayout.ManifestFile} is missing.");
            }

            Console.WriteLine(
                RowTrace.Trace(folder, parsed.GetRequiredValue(row))
                    ?? throw new HostException($"'{folder}' has no row '{parsed.GetRequiredValue(row)}'.")
            );
            return 0;
        });
        return command;
    }

    private static Command Affected()
    {
        var project = new Option<string>("--project") { Required = true, Description = "The project's name" };
        var source = new Option<string>("--source")
        {
            Required = true,
            Description = "The file's name as row ids have it, such as tweets.csv",
        };
        var row = new Option<int>("--row") { Required = true, Description = "The row's number, from 1" };
        Option<string> data = CommandOptions.Data("serve");
        Option<string?> json = CommandOptions.Json();
        var command = new Command(
            "affected",
            "List the datasets that contain a raw row and the adapters trained on them"
        )
        {
            project,
            source,
            row,
            data,
            json,
        };
        command.SetAction(
            (parsed, cancellation) =>
                AffectedAsync(
                    parsed.GetRequiredValue(data),
                    $"api/projects/{Uri.EscapeDataString(parsed.GetRequiredValue(project))}/affected"
                        + $"?source={Uri.EscapeDataString(parsed.GetRequiredValue(source))}&row={parsed.GetValue(row)}",
                    parsed.GetValue(json),
                    cancellation
                )
        );
        return command;
    }

    private static async Task<int> AffectedAsync(string data, string path, string? json, CancellationToken cancellation)
    {
        await using HostSession session = await HostSession.OpenAsync(
            new HostOptions
            {
                DataDirectory = Path.GetFullPath(data),
                StartWorker = false,
                LogToConsole = false,
            },
            Console.WriteLine,
            cancellation
        );
        List<AffectedDataset> affected = await session.CallAsync<List<AffectedDataset>>(
            HttpMethod.Get,
            path,
            null,
            cancellation
        );
        if (affected.Count == 0)
        {
            Console.WriteLine("No run's dataset contains this row.");
        }

        foreach (AffectedDataset dataset in affected)
        {
            Console.WriteLine(
                $"Dataset {dataset.DatasetId}: "
                    + $"{string.Join("; ", dataset.Fates.Select(f => $"{f.Id} in {f.File}, {f.What}"))}"
            );
            foreach (AffectedRun run in dataset.Runs)
            {
                string adapter = run.Adapter is null ? "no adapter" : $"adapter {run.Adapter}";
                string champion = run is { Adapter: not null, IsChampion: true } ? " (the champion)" : "";
                Console.WriteLine($"  run {run.RunId} {run.State.Name()}, {adapter}{champion}");
            }
        }

        if (json is not null)
        {
            await File.WriteAllBytesAsync(json, ContractJson.WriteUtf8(affected, indented: true), cancellation);
        }

        return 0;
    }

    private static Command Rebuild()
    {
        var project = new Option<string>("--project") { Required = true, Description = "The project's name" };
        var source = new Option<string>("--source")
        {
            Required = true,
            Description = "The file's name as row ids have it, such as tweets.csv",
        };
        var without = new Option<int[]>("--without")
        {
            Required = true,
            AllowMultipleArgumentsPerToken = true,
            Description = "Numbers of the rows, from 1",
        };
        Option<string> data = CommandOptions.Data("serve");
        Option<string?> json = CommandOptions.Json();
        var command = new Command(
            "rebuild",
            "Withdraw rows from a project for good, make its dataset without them and train again"
        )
        {
            project,
            source,
            without,
            data,
            json,
        };
        command.SetAction(
            (parsed, cancellation) =>
                RebuildAsync(
                    parsed.GetRequiredValue(project),
                    parsed.GetRequiredValue(source),
                    parsed.GetRequiredValue(without),
                    Path.GetFullPath(parsed.GetRequiredValue(data)),
                    parsed.GetValue(json),
                    cancellation
                )
        );
        return command;
    }

    private static async Task<int> RebuildAsync(
        string project,
        string source,
        int[] without,
        string data,
        string? json,
        CancellationToken cancellation
    )
    {
        IAnsiConsole console = AnsiConsole.Console;
        await using HostSession session = await HostSession.OpenAsync(
            new HostOptions { DataDirectory = data, LogToConsole = false },
            text => console.MarkupLineInterpolated($"{text}"),
            cancellation
        );
        using JsonContent body = JsonContent.Create(new { source, rows = without });
        Withdrawal started = await session.CallAsync<Withdrawal>(
            HttpMethod.Post,
            $"api/projects/{Uri.EscapeDataString(project)}/withdrawals",
            body,
            cancellation
        );
        if (started.RunId is null)
        {
            console.MarkupLineInterpolated($"{started.Message ?? "No run was started."}");
            return 0;
        }

        return await SubmitCommand.FollowAsync(session, console, started.RunId, data, json, cancellation);
    }

    /// <summary>The answer to a withdrawal: its run, or why none was started.</summary>
    private sealed record Withdrawal(string? RunId, string? Message);
}
