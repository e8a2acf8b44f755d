using Pipeline.Contracts;
using Pipeline.Reporting.Evaluations;
using Pipeline.Reporting.Pages;

namespace Pipeline.Functions.Tests.Reporting.Pages;

public sealed class EvaluationReportPageTests
{
    private const string Attack = "<script>alert('x')</script> \"quoted\" & more";

    private static Example Row(int i, string text, string label) =>
        new()
        {
            Id = $"r{i}",
            Label = label,
            Text = "",
            Source = new RowPlace("f", i, i),
            Messages = [new(MessageRole.User, text), new(MessageRole.Assistant, label)],
        };

    private static (EvaluationReport Report, DatasetManifest Manifest, List<Example> Test) Build(string label)
    {
        string[] labels = [label, "other"];
        List<Example> rows = [.. Enumerable.Range(0, 40).Select(i => Row(i, $"{Attack} {i}", labels[i % 2]))];
        ModelAnswer Answer(string answer, string gold) =>
            new(answer, answer == labels[0] ? [-0.1, -3] : [-3, -0.1], answer == gold ? -0.1 : -3, 2, answer, true);
        var manifest = new DatasetManifest
        {
            DatasetId = "d",
            Project = Attack,
            Task = TaskKind.Classification,
            Labels = labels,
            SystemPrompt = "",
            Columns = new ColumnReading(Attack, "label", true),
            Sources = [new SourceFile(Attack, 1, "")],
            Rows = new RowCounts(40, 40, 0, 0, 40, 0, 40),
            Reasons = new Dictionary<string, int>(),
            RowsByLabel = new Dictionary<string, int>(),
            Base = "b",
            Template = "llama2",
            TokenizerSha256 = "",
            LongestTokens = 1,
            Files = new Dictionary<string, string>(),
            Settings = new ProjectSettings(),
        };
        EvaluationReport report = EvaluationBuilder.Build(
            manifest,
            rows,
            new AnsweredRows(
                rows,
                [.. rows.Select(r => Answer(labels[0], r.Label!))],
                [.. rows.Select(r => Answer(r.Label!, r.Label!))]
            ),
            new EvaluationSettings { BootstrapSamples = 300 },
            new TrainingSummary(1, 1, 1, new Dictionary<string, double>(), 1, 1),
            linear: null
        );
        return (report, manifest, rows);
    }

    [Fact]
    public void Write_TextThatIsHtml_IsEscapedEverywhere()
    {
        (EvaluationReport report, DatasetManifest manifest, List<Example> test) = Build(Attack);

        string page = EvaluationReportPage.Write(
            Attack,
            report,
            manifest,
            test,
            [],
            LossCurve.Svg([(1, 2.0), (2, 1.0)], [(2, 1.5)])
        );

        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        Assert.Contains("<polyline class=\"smooth\"", page, StringComparison.Ordinal);
        Assert.Contains("Rows won: 20", page, StringComparison.Ordinal);
        Assert.Contains("Rows lost: 0", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_GuardSet_IsScoredAndItsLostRowsAreShown()
    {
        (EvaluationReport report, DatasetManifest manifest, List<Example> rows) = Build("label");
        ModelAnswer Answer(string answer) => new(answer, [-0.1, -3], -0.1, 2, answer, true);
        report = report with
        {
            Guard = EvaluationBuilder.Guard(
                TaskKind.Classification,
                manifest.Labels,
                new AnsweredRows(
                    rows,
                    [.. rows.Select(r => Answer(r.Label!))],
                    [.. rows.Select((r, i) => Answer(i < 4 ? "wrong" : r.Label!))]
                )
            ),
        };

        string page = EvaluationReportPage.Write("title", report, manifest, rows, rows, "");

        Assert.Equal((1.0, 0.9, "accuracy"), (report.Guard.BaseScore, report.Guard.TunedScore, report.Guard.ScoreName));
        Assert.Contains("On the guard set of 40 rows: accuracy 90.0 % against 100.0 % of the base.", page);
        Assert.EndsWith("against 100.0 % of the base.", EvaluationVerdict.Text(report));
        Assert.Contains("Rows of the guard set lost: 4", page);
        Assert.Equal(4, page.Split("<td>wrong</td>").Length - 1);
    }

    [Fact]
    public void Build_Report_AddsUp()
    {
        (EvaluationReport report, _, _) = Build("label");

        Assert.Equal((0.5, 1.0), (report.BaseScore.Accuracy, report.TunedScore.Accuracy));
        Assert.Equal(40, report.Confusion.Sum(r => r.Sum()));
        Assert.Equal(0.05, report.TunedScore.NegativeLogLikelihood, 1e-12);
        Assert.Equal((0.1 + 3) / 4, report.BaseScore.NegativeLogLikelihood, 1e-12);
        Assert.Equal((1.0, 1.0), (report.TunedScore.ExactMatch, report.TunedScore.StopRate));
        Assert.Equal([Baseline.Majority, Baseline.NaiveBayes], report.Baselines.Keys.Order());
    }

    [Theory]
    [InlineData(0.1, 0.2, "Tuned is better than base")]
    [InlineData(-0.1, 0.2, "Tuned is not proven better than base")]
    [InlineData(-0.2, -0.1, "Tuned is worse than base")]
    public void Verdict_Interval_DecidesTheWords(double low, double high, string words)
    {
        (EvaluationReport report, _, _) = Build("label");

        Assert.StartsWith(
            words + ":",
            EvaluationVerdict.Text(
                report with
                {
                    Difference = report.Difference with { Interval = new Interval(low, high) },
                }
            ),
            StringComparison.Ordinal
        );
    }
}
