using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts;
using Pipeline.LocalHost.Hosting;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>runs</c>, <c>show RUN</c> and <c>cancel RUN</c>.</summary>
internal static class RunsCommand
{
    public static IEnumerable<Command> Create()
    {
        Option<string> data = CommandOptions.Data("serve");
        Option<string?> json = CommandOptions.Json();
        var run = new Argument<string>("RUN") { Description = "The run's id" };
        var runs = new Command("runs", "List the runs") { data, json };
        runs.SetAction((parsed, cancellation) => WithSessionAsync(parsed.GetRequiredValue(data), session => ListAsync(session, parsed.GetValue(json), cancellation), cancellation));
        var show = new Command("show", "Show a run") { run, data, json };
        show.SetAction((parsed, cancellation) => WithSessionAsync(
            parsed.GetRequiredValue(data), session => PrintAsync(session, HttpMethod.Get, $"api/runs/{Uri.EscapeDataString(parsed.GetRequiredValue(run))}", parsed.GetValue(json), cancellation), cancellation));
        var cancel = new Command("cancel", "Cancel a run; its worker keeps a checkpoint") { run, data, json };
        cancel.SetAction((parsed, cancellation) => WithSessionAsync(
            parsed.GetRequiredValue(data), session => PrintAsync(session, HttpMethod.Post, $"api/runs/{Uri.EscapeDataString(parsed.GetRequiredValue(run))}/cancel", parsed.GetValue(json), cancellation), cancellation));
        return [runs, show, cancel];
    }

    private static async Task<int> WithSessionAsync(string data, Func<HostSession, Task<int>> work, CancellationToken cancellation)
    {
        await using HostSession session = await HostSession.OpenAsync(
            new HostOptions { DataDirectory = Path.GetFullPath(data), StartWorker = false, LogToConsole = false }, Console.WriteLine, cancellation);
        return await work(session);
    }

    private static async Task<int> ListAsync(HostSession session, string? json, CancellationToken cancellation)
    {
        List<RunRecord> runs = await session.CallAsync<List<RunRecord>>(HttpMethod.Get, "api/runs", null, cancellation);
        var table = new Table().AddColumns("run", "started", "by", "source", "state", "base", "tuned", "what came of it");
        foreach (RunRecord run in runs)
        {
            table.AddRow(
                [.. new[]
                {
                    run.RunId, run.CreatedAt.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture), run.Trigger, run.Source, run.State == RunRecord.Running ? $"{run.State}: {run.Stage}" : run.State,
                    Percent(run.BaseAccuracy), Percent(run.TunedAccuracy), run.Error ?? run.Promotion ?? "",
                }.Select(Markup.Escape)]);
        }

        AnsiConsole.Write(table);
        if (json is not null)
        {
            await File.WriteAllBytesAsync(json, ContractJson.WriteUtf8(runs, indented: true), cancellation);
        }

        return 0;
    }

    private static async Task<int> PrintAsync(HostSession session, HttpMethod method, string path, string? json, CancellationToken cancellation)
    {
        System.Text.Json.JsonElement answer = await session.CallAsync<System.Text.Json.JsonElement>(method, path, null, cancellation);
        string text = ContractJson.Write(answer, indented: true);
        Console.WriteLine(text);
        if (json is not null)
        {
            await File.WriteAllTextAsync(json, text, cancellation);
        }

        return 0;
    }

    private static string Percent(double? fraction) => fraction is { } value ? (100 * value).ToString("0.0", CultureInfo.InvariantCulture) + " %" : "";
}
