using System.CommandLine;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Microsoft.Extensions.DependencyInjection;
using Pipeline.Functions;
using Pipeline.LocalHost.Hosting;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>functions</c>: the app's functions with what starts them, as a page of Markdown (docs/functions.md).
/// </summary>
internal static partial class FunctionsCommand
{
    public static Command Create() =>
        CommandOptions.Page("functions", "List the functions of the app and what starts them", Page);

    /// <summary>The page, read off the official attributes and the documentation of the functions' classes.</summary>
    internal static string Page()
    {
        using ServiceProvider services = new ServiceCollection().BuildServiceProvider();
        var catalog = new FunctionCatalog(services, typeof(PipelineServices).Assembly);
        Dictionary<string, string> summaries = Summaries();
        var page = new StringBuilder(
            "# Functions\n\nGenerated: `dotnet run --project functions/Pipeline.LocalHost -- functions --out "
                + "docs/functions.md`. The same under Azure Functions, `func start` and the embedded host.\n"
        );
        foreach ((string title, Func<TriggerBindingAttribute, string?> startedBy) in Kinds)
        {
            page.Append($"\n## {title}\n\n| function | started by | what it does |\n|---|---|---|\n");
            foreach (
                HostedFunction function in catalog
                    .All.Where(f => startedBy(f.Trigger) is not null)
                    .OrderBy(f => f.Name, StringComparer.Ordinal)
            )
            {
                string what = summaries.GetValueOrDefault($"T:{function.Method.DeclaringType!.FullName}", "");
                page.Append(
                    $"| {function.Name} | {startedBy(function.Trigger)} | "
                        + $"{what.Replace("|", "\\|", StringComparison.Ordinal)} |\n"
                );
            }
        }

        return page.ToString();
    }

    private static readonly (string Title, Func<TriggerBindingAttribute, string?> StartedBy)[] Kinds =
    [
        (
            "HTTP",
            t =>
                t is HttpTriggerAttribute http
                    ? $"`{string.Join(',', http.Methods ?? []).ToUpperInvariant()} /api/{http.Route}`, key: "
                        + $"{http.AuthLevel}"
                    : null
        ),
        (
            "Events",
            t =>
                t switch
                {
                    BlobTriggerAttribute blob =>
                        $"a blob `{blob.BlobPath}` ({blob.Source} in Azure, polled by the embedded host)",
                    QueueTriggerAttribute queue =>
                        $"a message in `{queue.QueueName}`; after five failures in `{queue.QueueName}-poison`",
                    TimerTriggerAttribute timer => $"the clock: `{timer.Schedule}`, six-field NCRONTAB, UTC",
                    _ => null,
                }
        ),
        ("Orchestrators", t => t is OrchestrationTriggerAttribute ? "the durable engine" : null),
        ("Activities", t => t is ActivityTriggerAttribute ? "an orchestrator" : null),
    ];

    /// <summary>First paragraphs of the classes' summaries, without their markup.</summary>
    private static Dictionary<string, string> Summaries() =>
        XDocument
            .Load(Path.ChangeExtension(typeof(PipelineServices).Assembly.Location, ".xml"))
            .Descendants("member")
            .Where(m => m.Element("summary") is not null)
            .ToDictionary(
                m => m.Attribute("name")!.Value,
                m => Spaces().Replace(Endpoint().Replace(m.Element("summary")!.Value.Trim(), ""), " "),
                StringComparer.Ordinal
            );

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();

    /// <summary>The address that a summary of an HTTP function begins with: it stands in a column of its own.</summary>
    [GeneratedRegex(@"^(GET|POST|PUT|DELETE) /api/[^\s:]+:? ?")]
    private static partial Regex Endpoint();
}
