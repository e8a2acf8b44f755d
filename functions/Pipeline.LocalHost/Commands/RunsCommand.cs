using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts;
using Spectre.Console;
using static Pipeline.Reporting.Pages.Figures;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>runs</c>, <c>show RUN</c>, <c>cancel RUN</c>, <c>resume RUN</c>, <c>purge RUN</c>, <c>requeue ID</c> and
/// <c>discard ID</c>.
/// </summary>
internal static class RunsCommand
{
    private const string PurgeDescription =
        "Remove what a run has left that does not run any more; what it has published stays";

    public static IEnumerable<Command> Create()
    {
        Option<string> data = CommandOptions.Data("serve");
        Option<string?> json = CommandOptions.Json();
        var run = new Argument<string>("RUN") { Description = "The run's id" };
        var runs = new Command("runs", "List the runs") { data, json };
        runs.SetAction(
            (parsed, cancellation) =>
                HostSession.UseAsync(
                    parsed.GetRequiredValue(data),
                    session => ListAsync(session, parsed.GetValue(json), cancellation),
                    cancellation
                )
        );
        var letter = new Argument<string>("ID") { Description = "Its id in the list that 'runs' prints" };
        Command ForRun(string name, string description, HttpMethod method, string suffix) =>
            Calling(new Command(name, description) { run, data, json }, method, p => $"runs/{Id(p, run)}{suffix}");
        Command ForDeadLetter(string name, string description, HttpMethod method, string suffix) =>
            Calling(
                new Command(name, description) { letter, data, json },
                method,
                p => $"deadletters/{Id(p, letter)}{suffix}"
            );
        Command Calling(Command command, HttpMethod method, Func<ParseResult, string> path)
        {
            command.SetAction(
                (parsed, cancellation) =>
                    HostSession.UseAsync(
                        parsed.GetRequiredValue(data),
                        session =>
                            PrintAsync(session, method, $"api/{path(parsed)}", parsed.GetValue(json), cancellation),
                        cancellation
                    )
            );
            return command;
        }

        return
        [
            runs,
            ForRun("show", "Show a run", HttpMethod.Get, ""),
            ForRun("cancel", "Cancel a run; its worker keeps a checkpoint", HttpMethod.Post, "/cancel"),
            ForRun(
                "resume",
                "Start a run again that failed, was cancelled or interrupted; training goes on from its checkpoint",
                HttpMethod.Post,
                "/resume"
            ),
            ForRun("purge", PurgeDescription, HttpMethod.Delete, ""),
            ForDeadLetter(
                "requeue",
                "Put a dead letter back into its queue, or start its drop again",
                HttpMethod.Post,
                "/requeue"
            ),
            ForDeadLetter("discard", "Delete a dead letter for good", HttpMethod.Delete, ""),
        ];
    }

    private static string Id(ParseResult parsed, Argument<string> argument) =>
        Uri.EscapeDataString(parsed.GetRequiredValue(argument));

    private static async Task<int> ListAsync(HostSession session, string? json, CancellationToken cancellation)
    {
        List<RunRecord> runs = await session.CallAsync<List<RunRecord>>(HttpMethod.Get, "api/runs", null, cancellation);
        var table = new Table().AddColumns(
            "run",
            "started",
            "by",
            "source",
            "state",
            "linear",
            "base",
            "tuned",
            "result"
        );
        foreach (RunRecord run in runs)
        {
            table.AddRow([
                .. new[]
                {
                    run.RunId,
                    run.CreatedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
                    run.Trigger.Name(),
                    run.Source,
                    run.State == RunState.Running ? $"{run.State.Name()}: {run.Stage.Name()}" : run.State.Name(),
                    Percent(run.LinearAccuracy),
                    Percent(run.BaseAccuracy),
                    Percent(run.TunedAccuracy),
                    run.Error ?? run.Promotion ?? "",
                }.Select(Markup.Escape),
            ]);
        }

        AnsiConsole.Write(table);
        await ListDeadLettersAsync(session, cancellation);
        if (json is not null)
        {
            await File.WriteAllBytesAsync(json, ContractJson.WriteUtf8(runs, indented: true), cancellation);
        }

        return 0;
    }

    private static async Task ListDeadLettersAsync(HostSession session, CancellationToken cancellation)
    {
        List<DeadLetter> letters = await session.CallAsync<List<DeadLetter>>(
            HttpMethod.Get,
            "api/deadletters",
            null,
            cancellation
        );
        if (letters.Count > 0)
        {
            var notes = new Table()
                .Title("Dead letters: nobody could work with these")
                .AddColumns("id", "when", "what", "lies in", "reason");
            foreach (DeadLetter note in letters)
            {
                notes.AddRow([
                    .. new[]
                    {
                        note.Id,
                        note.At.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
                        note.What,
                        note.Queue,
                        note.Reason,
                    }.Select(Markup.Escape),
                ]);
            }

            AnsiConsole.Write(notes);
        }
    }

    private static async Task<int> PrintAsync(
        HostSession session,
        HttpMethod method,
        string path,
        string? json,
        CancellationToken cancellation
    )
    {
        System.Text.Json.JsonElement answer = await session.CallAsync<System.Text.Json.JsonElement>(
            method,
            path,
            null,
            cancellation
        );
        string text = ContractJson.Write(answer, indented: true);
        Console.WriteLine(text);
        if (json is not null)
        {
            await File.WriteAllTextAsync(json, text, cancellation);
        }

        return 0;
    }
}
