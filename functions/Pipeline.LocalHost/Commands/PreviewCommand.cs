using System.CommandLine;
using Pipeline.Contracts;
using Pipeline.Datasets.Building;
using Pipeline.Tokenization;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>dataset preview</c>: a file's first rows as they would be learned.</summary>
internal static class PreviewCommand
{
    private const int DefaultRows = 5;
    private const string Begin = "\u27E6";
    private const string End = "\u27E7";

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "The raw file" };
        var project = new Option<string?>("--project") { Description = "project.yaml; default: every default" };
        var rows = new Option<int>("--rows")
        {
            Description = "Rows to show, accepted and rejected ones each",
            DefaultValueFactory = _ => DefaultRows,
        };
        var command = new Command("preview", "Show a file's first rows as they would be learned")
        {
            file,
            project,
            rows,
        };
        command.SetAction(parsed =>
        {
            DatasetRequest request = DatasetCommand.Request(parsed.GetValue(project), parsed.GetRequiredValue(file));
            Print(DatasetPreview.Create(request, Math.Max(1, parsed.GetValue(rows))), request);
        });
        return command;
    }

    private static void Print(DatasetPreview preview, DatasetRequest request)
    {
        DatasetPlan plan = preview.Plan;
        Console.WriteLine(
            $"Read as {plan.Layout}, task {plan.Task.Name()}, template {request.Encoder.Template.Name}. What is "
                + "learned "
                + $"stands between {Begin} and {End}; the rest is what the model is given."
        );
        foreach (string note in plan.Notes)
        {
            Console.WriteLine(note);
        }

        foreach (PreviewedRow row in preview.Accepted)
        {
            Console.WriteLine($"\n{row.Id}: {row.Tokens} tokens, {row.Learned} learned");
            Console.WriteLine(string.Concat(row.Parts.Select(Marked)));
        }

        foreach (RejectedRow row in preview.Rejected)
        {
            Console.WriteLine($"\n{row.Id}: rejected, {row.Reason.Name()}: {row.Detail}");
        }

        int rejected = preview.Reasons.Values.Sum();
        string reasons = string.Join(", ", preview.Reasons.Select(r => $"{r.Key} {r.Value}"));
        Console.WriteLine(
            $"\nOf the first {preview.Rows} rows {rejected} would be "
                + $"rejected{(rejected > 0 ? $" ({reasons})" : "")}; the "
                + $"longest row has {preview.LongestTokens} tokens."
                + (preview.IsCut ? " The file goes on; only its first 8 MiB were read." : "")
        );
    }

    private static string Marked(RenderedPart part) => part.IsLearned ? Begin + part.Text + End : part.Text;
}
