using System.CommandLine;
using System.Globalization;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion;
using Pipeline.Datasets.Ingestion.Layouts;
using Pipeline.Datasets.Ingestion.Rows;
using Pipeline.Registry.Review;
using Pipeline.Reporting.Baselines;
using Spectre.Console;

namespace Pipeline.LocalHost.Commands;

/// <summary>
/// <c>measure-order TRAIN TEST</c>: what the review queue's order is worth on texts whose labels are known. They are
/// answered in its order and in a random one, and a linear model of each is measured on the test rows.
/// </summary>
internal static class MeasureOrderCommand
{
    private const int AnswersPerOrder = 10;

    public static Command Create()
    {
        var train = new Argument<string>("TRAIN") { Description = "Texts with labels, of which some are answered" };
        var test = new Argument<string>("TEST") { Description = "Texts with labels, on which models are measured" };
        Option<int> texts = Count("--texts", "Texts without answers at the start", 2_000);
        Option<int> labels = Count("--labels", "Texts that are answered", 200);
        Option<int> seeds = Count("--seeds", "Draws of the texts; the mean is of all", 5);
        var command = new Command("measure-order", "Measure the review queue's order against a random one")
        {
            train,
            test,
            texts,
            labels,
            seeds,
        };
        command.SetAction(parsed =>
            Measure(
                Read(parsed.GetRequiredValue(train)),
                Read(parsed.GetRequiredValue(test)),
                parsed.GetValue(texts),
                parsed.GetValue(labels),
                parsed.GetValue(seeds)
            )
        );
        return command;
    }

    private static Option<int> Count(string name, string description, int value)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => value };
        option.Validators.Add(result =>
        {
            if (result.GetValue(option) < 1)
            {
                result.AddError($"{name} is 1 or more.");
            }
        });
        return option;
    }

    private static int Measure(
        List<(string Text, string Label)> train,
        List<(string Text, string Label)> test,
        int texts,
        int labels,
        int seeds
    )
    {
        if (labels >= texts || texts > train.Count)
        {
            throw new HostException(
                $"{labels} answers of {texts} texts of {train.Count}: --labels must be smaller than --texts, and TRAIN "
                    + "must have as many."
            );
        }

        var table = new Table().AddColumns("draw", "random order", "queue's order");
        List<(double Random, double Queue)> shares = [];
        for (int seed = 1; seed <= seeds; seed++)
        {
            (string Text, string Label)[] drawn = [.. train];
            new Random(seed).Shuffle(drawn);
            drawn = [.. drawn.DistinctBy(r => TextKey.From(r.Text)).Take(texts)];
            shares.Add((Share([.. drawn.Take(labels)], test), Share(Answered(drawn, labels), test)));
            table.AddRow(
                seed.ToString(CultureInfo.InvariantCulture),
                Percent(shares[^1].Random),
                Percent(shares[^1].Queue)
            );
        }

        table.AddRow("mean", Percent(shares.Average(s => s.Random)), Percent(shares.Average(s => s.Queue)));
        AnsiConsole.Write(table);
        Console.WriteLine($"Right of {test.Count} test rows, by a linear model of {labels} answers of {texts} texts.");
        return 0;
    }

    /// <summary>Texts with their labels as the queue offers them, ordered anew after every ten answers.</summary>
    private static List<(string Text, string Label)> Answered((string Text, string Label)[] texts, int labels)
    {
        Dictionary<string, string> right = texts.ToDictionary(t => t.Text, t => t.Label, StringComparer.Ordinal);
        ReviewCandidate[] rows =
        [
            .. texts.Select((t, i) => new ReviewCandidate(ReviewKind.Unlabelled, t.Text, null, $"{i}", "")),
        ];
        List<(string Text, string Label)> answered = [];
        HashSet<string> known = [];
        while (answered.Count < labels)
        {
            IReadOnlyList<ReviewItem> order = RowOrder.From(
                [.. rows.Where(r => !known.Contains(r.Text))],
                answered,
                hasLabels: true
            );
            foreach (ReviewItem item in order.Take(Math.Min(AnswersPerOrder, labels - answered.Count)))
            {
                known.Add(item.Text);
                answered.Add((item.Text, right[item.Text]));
            }
        }

        return answered;
    }

    private static double Share(List<(string Text, string Label)> rows, List<(string Text, string Label)> test)
    {
        using LinearModel model = LinearModel.Train(rows);
        return (double)test.Count(t => model.Predict(t.Text) == t.Label) / test.Count;
    }

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:0.0} %");

    private static List<(string Text, string Label)> Read(string path)
    {
        if (!File.Exists(path))
        {
            throw new HostException($"'{path}' does not exist.");
        }

        var settings = new ProjectSettings();
        using var reader = new RawReader(false, [], settings.Limits);
        RawRow[] rows = [.. reader.Read(RawFile.FromPath(path))];
        RowLayout layout = LayoutRecognition.Recognize(rows, settings, Path.GetFileName(path)).Layout;
        return
        [
            .. rows.Where(r => r.Fault is null)
                .Select(r => layout.Map(r, TaskKind.Classification))
                .Where(c => c.Reason is null)
                .Select(c => (c.Messages[0].Content, c.Messages[^1].Content)),
        ];
    }
}
