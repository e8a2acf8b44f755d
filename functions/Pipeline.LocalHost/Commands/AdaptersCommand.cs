using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using Pipeline.Contracts;
using Pipeline.Functions.Adapters;
using Spectre.Console;
using static Pipeline.Reporting.Pages.Figures;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>adapters</c>, <c>promote VERSION</c>, <c>rollback</c>, <c>retire VERSION</c> and <c>delete VERSION</c>: a
/// project's versions.
/// </summary>
internal sealed class AdaptersCommand
{
    private readonly Option<string> _data = CommandOptions.Data("serve");
    private readonly Option<string?> _json = CommandOptions.Json();
    private readonly Option<string> _project = new("--project") { Description = "The project", Required = true };
    private readonly Option<string?> _reason = new("--reason") { Description = "Why, kept in the history" };
    private readonly Option<bool> _force = new("--force") { Description = "Promote what the gate has refused" };
    private readonly Argument<string> _version = new("VERSION") { Description = "Its number, such as 17 or V17" };

    private AdaptersCommand() { }

    /// <summary>The commands.</summary>
    public static IEnumerable<Command> Create() => new AdaptersCommand().All();

    private IEnumerable<Command> All() =>
        [
            Calling(
                new Command("adapters", "List a project's versions, their states and the champion"),
                HttpMethod.Get,
                _ => "adapters"
            ),
            Calling(
                new Command("promote", "Make a version the champion") { _version, _reason, _force },
                HttpMethod.Post,
                p => Version(p) + "/promote"
            ),
            Calling(
                new Command("rollback", "Make the champion before the current one the champion again") { _reason },
                HttpMethod.Post,
                _ => "rollback"
            ),
            Calling(
                new Command("retire", "Take a version out of use; its files stay") { _version, _reason },
                HttpMethod.Post,
                p => Version(p) + "/retire"
            ),
            Calling(
                new Command("delete", "Delete a version with its files; refused while it is the champion")
                {
                    _version,
                    _reason,
                },
                HttpMethod.Delete,
                Version
            ),
        ];

    private string Version(ParseResult parsed) => $"adapters/{Uri.EscapeDataString(parsed.GetRequiredValue(_version))}";

    private Command Calling(Command command, HttpMethod method, Func<ParseResult, string> path)
    {
        command.Add(_project);
        command.Add(_data);
        command.Add(_json);
        command.SetAction(
            (parsed, cancellation) =>
                HostSession.UseAsync(
                    parsed.GetRequiredValue(_data),
                    session => CallAsync(session, parsed, method, path(parsed), cancellation),
                    cancellation
                )
        );
        return command;
    }

    private async Task<int> CallAsync(
        HostSession session,
        ParseResult parsed,
        HttpMethod method,
        string path,
        CancellationToken cancellation
    )
    {
        bool changes = method != HttpMethod.Get;
        bool force = parsed.CommandResult.Command.Options.Contains(_force) && parsed.GetValue(_force);
        var call = new RegistryCall(changes ? parsed.GetValue(_reason) : null, Force: force);
        RegistryView view = await session.CallAsync<RegistryView>(
            method,
            $"api/projects/{Uri.EscapeDataString(parsed.GetRequiredValue(_project))}/{path}",
            changes ? JsonContent.Create(call, options: ContractJson.Compact) : null,
            cancellation
        );
        Print(view, changes);
        if (parsed.GetValue(_json) is { } file)
        {
            await File.WriteAllBytesAsync(file, ContractJson.WriteUtf8(view, indented: true), cancellation);
        }

        return 0;
    }

    private static void Print(RegistryView view, bool changed)
    {
        if (changed && view.History.Count > 0)
        {
            RegistryEvent last = view.History[^1];
            AnsiConsole.MarkupLineInterpolated($"V{last.Version} {Words(last.Action)}: {last.Reason}");
        }

        var table = new Table()
            .Title(
                Markup.Escape($"{view.Project}: {(view.Champion is { } c ? $"V{c} is the champion" : "no champion")}")
            )
            .AddColumns("version", "state", "published", "score", "base", "test set", "compared with", "why");
        foreach (VersionEntry entry in view.Versions)
        {
            table.AddRow([
                .. new[]
                {
                    $"V{entry.Version}",
                    entry.State.Name(),
                    entry.PublishedAt?.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "",
                    Percent(entry.Score),
                    Percent(entry.BaseScore),
                    TestSet(view, entry),
                    entry.Parent is { } parent ? $"V{parent}" : "base",
                    entry.Line,
                }.Select(Markup.Escape),
            ]);
        }

        AnsiConsole.Write(table);
    }

    private static string TestSet(RegistryView view, VersionEntry entry) =>
        view.TestSets.FirstOrDefault(t => t.Number == entry.TestSet) is { } set
            ? $"T{set.Number}: {set.Rows} rows, used {set.Uses} times"
            : entry.TestRows?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static string Words(RegistryAction action) =>
        action switch
        {
            RegistryAction.Published => "was published",
            RegistryAction.Promoted => "was promoted",
            RegistryAction.RolledBack => "was rolled back",
            RegistryAction.Retired => "was retired",
            _ => "was deleted",
        };
}
