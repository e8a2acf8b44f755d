using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts;
using Spectre.Console;
using static Pipeline.Reporting.Pages.Figures;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>compare VERSION VERSION</c>: which is better, by how much, on which rows, and what changed.</summary>
internal static class CompareCommand
{
    private const int RowsPrinted = 10;
    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    public static Command Create()
    {
        var older = new Argument<string>("OLDER") { Description = "A version, such as 16 or V16" };
        var newer = new Argument<string>("NEWER") { Description = "Another one, such as 17 or V17" };
        var project = new Option<string>("--project") { Description = "The project", Required = true };
        var evaluate = new Option<bool>("--evaluate")
        {
            Description = "Let the older version answer the newer one's held-out rows first, where it has not",
        };
        Option<string> data = CommandOptions.Data("serve");
        Option<string?> json = CommandOptions.Json();
        var command = new Command("compare", "Compare two versions: figures, rows won and lost, what changed")
        {
            older,
            newer,
            project,
            evaluate,
            data,
            json,
        };
        command.SetAction(
            (parsed, cancellation) =>
                HostSession.UseAsync(
                    parsed.GetRequiredValue(data),
                    async session =>
                    {
                        string versions = $"{parsed.GetRequiredValue(older)},{parsed.GetRequiredValue(newer)}";
                        string path =
                            $"api/projects/{Uri.EscapeDataString(parsed.GetRequiredValue(project))}/compare"
                            + $"?versions={Uri.EscapeDataString(versions)}";
                        VersionComparison comparison = parsed.GetValue(evaluate)
                            ? await EvaluateAsync(session, path, cancellation)
                            : await GetAsync(session, path, cancellation);
                        Print(comparison);
                        if (parsed.GetValue(json) is { } file)
                        {
                            byte[] bytes = ContractJson.WriteUtf8(comparison, indented: true);
                            await File.WriteAllBytesAsync(file, bytes, cancellation);
                        }

                        return comparison.OlderAnswers == OlderAnswers.Failed ? 1 : 0;
                    },
                    cancellation
                )
        );
        return command;
    }

    private static Task<VersionComparison> GetAsync(HostSession session, string path, CancellationToken cancellation) =>
        session.CallAsync<VersionComparison>(HttpMethod.Get, path, null, cancellation);

    /// <summary>Lets the older version answer what it has not answered, and waits for it.</summary>
    private static async Task<VersionComparison> EvaluateAsync(
        HostSession session,
        string path,
        CancellationToken cancellation
    )
    {
        VersionComparison comparison = await GetAsync(session, path, cancellation);
        if (comparison.OlderAnswers == OlderAnswers.Complete)
        {
            return comparison;
        }

        AnsiConsole.WriteLine($"V{comparison.Older.Version} answers the rows of V{comparison.Newer.Version} …");
        await session.CallAsync<JsonElement>(HttpMethod.Post, path, null, cancellation);
        do
        {
            await Task.Delay(PollInterval, cancellation);
            comparison = await GetAsync(session, path, cancellation);
        } while (comparison.OlderAnswers == OlderAnswers.Running);

        return comparison;
    }

    private static void Print(VersionComparison comparison)
    {
        AnsiConsole.WriteLine(comparison.Line);
        AnsiConsole.WriteLine($"The gate, with V{comparison.Older.Version} as champion: {comparison.Gate}");
        foreach (string note in comparison.Notes)
        {
            AnsiConsole.WriteLine(note);
        }

        string? answers = comparison.OlderAnswers switch
        {
            OlderAnswers.Partial =>
                $"V{comparison.Older.Version} has not answered all of them; with --evaluate a worker lets it.",
            OlderAnswers.Running => $"A worker lets V{comparison.Older.Version} answer the others.",
            OlderAnswers.Failed => $"V{comparison.Older.Version} could not answer the others: {comparison.Fault}",
            _ => null,
        };
        if (answers is not null)
        {
            AnsiConsole.WriteLine(answers);
        }

        AnsiConsole.Write(Figures(comparison));
        PrintChanges(comparison);
        PrintRows("Won", comparison.Won, comparison.Difference?.Won ?? 0, comparison);
        PrintRows("Lost", comparison.Lost, comparison.Difference?.Lost ?? 0, comparison);
    }

    private static void PrintChanges(VersionComparison comparison)
    {
        if (comparison.Changes.Count == 0)
        {
            AnsiConsole.WriteLine("Nothing changed in data, settings, base or code.");
            return;
        }

        Table changes = NewTable("What changed", "", "", Name(comparison.Older), Name(comparison.Newer));
        foreach (VersionChange change in comparison.Changes)
        {
            AddRow(changes, change.Area.Name(), change.Name, change.Older ?? "", change.Newer ?? "");
        }

        AnsiConsole.Write(changes);
    }

    private static Table Figures(VersionComparison comparison)
    {
        Table table = NewTable(
            $"On the {comparison.Rows} held-out rows that both answered",
            "",
            "rows",
            Name(comparison.Older),
            Name(comparison.Newer),
            "difference, 95 % interval"
        );
        AddRow(
            table,
            comparison.ScoreName,
            comparison.Rows.ToString(CultureInfo.InvariantCulture),
            Score(comparison.OlderScore),
            Score(comparison.NewerScore),
            Gain(comparison.Difference)
        );
        foreach (ComparedLabel label in comparison.Labels)
        {
            AddRow(
                table,
                $"right on '{label.Label}'",
                label.Rows.ToString(CultureInfo.InvariantCulture),
                Percent(label.Older),
                Percent(label.Newer),
                Gain(label.Difference)
            );
        }

        if (comparison.Guard is { Difference: { } guard })
        {
            AddRow(table, "guard set", "", "", "", Gain(guard));
        }

        return table;
    }

    private static void PrintRows(string title, IReadOnlyList<ComparedRow> rows, int all, VersionComparison comparison)
    {
        string shown = all > RowsPrinted ? $", the first {RowsPrinted}; --json has up to {rows.Count}" : "";
        Table table = NewTable(
            $"{title} by V{comparison.Newer.Version}: {all} rows{shown}",
            "row",
            "text",
            "right label or answer",
            Name(comparison.Older),
            Name(comparison.Newer)
        );
        foreach (ComparedRow row in rows.Take(RowsPrinted))
        {
            AddRow(table, row.Id, row.Text ?? "(its dataset is gone)", row.Gold, row.Older, row.Newer);
        }

        AnsiConsole.Write(table);
    }

    private static Table NewTable(string title, params string[] columns) =>
        new Table().Title(Markup.Escape(title)).AddColumns([.. columns.Select(Markup.Escape)]);

    private static void AddRow(Table table, params string[] cells) => table.AddRow([.. cells.Select(Markup.Escape)]);

    private static string Name(VersionEntry entry) => $"V{entry.Version}";

    private static string Score(ComparedScore score) =>
        $"{Percent(score.Score)} ({Percent(score.Interval.Low)} to {Percent(score.Interval.High)})";

    private static string Gain(PairedDifference? difference) =>
        difference is null ? "" : $"{WithSign(difference.Mean)} ({Points(difference.Interval)})";
}
