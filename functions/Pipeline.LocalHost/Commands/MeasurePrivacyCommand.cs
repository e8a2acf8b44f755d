using System.CommandLine;
using System.Globalization;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Datasets.Privacy.Measuring;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary><c>measure-privacy FILE</c>: how much of what people marked in a file is found, type by type.</summary>
internal static class MeasurePrivacyCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "Texts with span annotations, such as Presidio's JSON",
        };
        var command = new Command(
            "measure-privacy",
            "Precision and recall of what is found, by type, against annotations; a span counts when one of its "
                + "type overlaps it"
        )
        {
            file,
        };
        command.SetAction(parsed => Measure(parsed.GetRequiredValue(file)));
        return command;
    }

    private static int Measure(string path)
    {
        if (!File.Exists(path))
        {
            throw new HostException($"'{path}' does not exist.");
        }

        (PrivacyMeasure measure, int texts, int unread) = AnnotatedTexts.Measure(RawFile.FromPath(path));
        var table = new Table().AddColumns("type", "annotated", "recall", "found", "precision");
        foreach ((string type, (int gold, int hit, int found, int right)) in measure.Types)
        {
            table.AddRow(type, Number(gold), Share(hit, gold), Number(found), Share(right, found));
        }

        AnsiConsole.Write(table);
        Console.WriteLine(
            $"{texts} texts{(unread > 0 ? $", {unread} rows could not be read" : "")}. Types that are not looked "
                + "for have the recall 0; 0 found has no precision."
        );
        return 0;
    }

    private static string Number(int count) => count.ToString(CultureInfo.InvariantCulture);

    private static string Share(int part, int whole) =>
        whole == 0 ? "" : ((double)part / whole).ToString("0.000", CultureInfo.InvariantCulture);
}
