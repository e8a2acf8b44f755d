using System.CommandLine;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Functions.Retraining;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>reviewer add|remove NAME</c> and <c>agreement</c>: whose feedback counts, and how far they agree.
/// </summary>
internal static class ReviewersCommand
{
    public static IEnumerable<Command> Create()
    {
        Option<string> data = CommandOptions.Data("serve");
        var project = new Option<string>("--project") { Description = "The project", Required = true };
        var name = new Argument<string>("NAME") { Description = "The reviewer's name" };
        var add = new Command("add", "Issue a key that names a reviewer; it is shown once") { name, project, data };
        add.SetAction(
            (parsed, cancellation) =>
                CallAsync<JsonElement>(
                    parsed.GetRequiredValue(data),
                    HttpMethod.Post,
                    $"{Address(parsed, project)}/reviewers",
                    new ReviewerBody(parsed.GetRequiredValue(name)),
                    answer => Console.WriteLine(ContractJson.Write(answer, indented: true)),
                    cancellation
                )
        );
        var remove = new Command("remove", "Take a reviewer's key away") { name, project, data };
        remove.SetAction(
            (parsed, cancellation) =>
                CallAsync<JsonElement>(
                    parsed.GetRequiredValue(data),
                    HttpMethod.Delete,
                    $"{Address(parsed, project)}/reviewers/{Uri.EscapeDataString(parsed.GetRequiredValue(name))}",
                    null,
                    answer => Console.WriteLine(ContractJson.Write(answer, indented: true)),
                    cancellation
                )
        );
        var agreement = new Command("agreement", "Show how far a project's reviewers agree") { project, data };
        agreement.SetAction(
            (parsed, cancellation) =>
                CallAsync<AgreementView>(
                    parsed.GetRequiredValue(data),
                    HttpMethod.Get,
                    $"{Address(parsed, project)}/agreement",
                    null,
                    Print,
                    cancellation
                )
        );
        return [new Command("reviewer", "Reviewers and their keys") { add, remove }, agreement];
    }

    private static string Address(ParseResult parsed, Option<string> project) =>
        $"api/projects/{Uri.EscapeDataString(parsed.GetRequiredValue(project))}";

    private static Task<int> CallAsync<T>(
        string data,
        HttpMethod method,
        string path,
        ReviewerBody? body,
        Action<T> print,
        CancellationToken cancellation
    ) =>
        HostSession.UseAsync(
            data,
            async session =>
            {
                JsonContent? content = body is null ? null : JsonContent.Create(body, options: ContractJson.Compact);
                print(await session.CallAsync<T>(method, path, content, cancellation));
                return 0;
            },
            cancellation
        );

    private static void Print(AgreementView view)
    {
        AgreementReport report = view.Report;
        AnsiConsole.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Items} corrected texts, {report.SharedItems} by two reviewers or more; {report.Disputed} are "
                    + $"disputed and train nothing. Krippendorff's alpha {Figure(report.KrippendorffAlpha)}, Fleiss' "
                    + $"kappa {Figure(report.FleissKappa)} (1 is full agreement, 0 chance)."
            )
        );
        var labels = new Table().AddColumns("label", "texts", "alpha");
        foreach (LabelAgreement label in report.ByLabel)
        {
            Add(labels, label.Label, $"{label.Items}", Figure(label.KrippendorffAlpha));
        }

        var reviewers = new Table().AddColumns("reviewer", "texts", "contradicts the others on", "");
        foreach (ReviewerShare share in report.Reviewers)
        {
            string mark = share.ContradictsTheRest ? "more than the others do" : "";
            Add(reviewers, share.Reviewer, $"{share.Items}", $"{share.Contradicting}", mark);
        }

        var pairs = new Table().AddColumns("reviewer", "and", "texts", "Cohen's kappa");
        foreach (PairAgreement pair in report.Pairs)
        {
            Add(pairs, pair.First, pair.Second, $"{pair.Items}", Figure(pair.CohenKappa));
        }

        foreach (Table table in (Table[])[labels, reviewers, pairs])
        {
            AnsiConsole.Write(table);
        }
    }

    private static void Add(Table table, params string[] cells) => table.AddRow([.. cells.Select(Markup.Escape)]);

    private static string Figure(double? value) => value?.ToString("0.000", CultureInfo.InvariantCulture) ?? "unknown";
}
