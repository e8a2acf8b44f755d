using System.Text.RegularExpressions;
using Pipeline.Contracts;
using static Pipeline.Reporting.Pages.Figures;
using static Pipeline.Reporting.Pages.HtmlPage;

namespace Pipeline.Reporting.Pages;

/// <summary>An evaluation in words: what decides first, then the figures of the baselines.</summary>
public static partial class EvaluationVerdict
{
    /// <summary>Where the gate's line goes in a report, which the worker writes before the gate decides.</summary>
    public const string PlaceInPage = "<p class=\"gate\"></p>";

    /// <summary>The same in a model card.</summary>
    public const string PlaceInCard = "<!-- gate -->";

    /// <summary>A report with the gate's line first, in the place of one that stood there.</summary>
    public static string WriteGateIntoPage(string page, string line) =>
        PageGate().Replace(page, _ => $"<p class=\"gate\">{Escape(line)}</p>", 1);

    /// <summary>A model card with the gate's line first, in the place of one that stood there.</summary>
    public static string WriteGateIntoCard(string card, string line) =>
        CardGate().Replace(card, _ => $"{line} {PlaceInCard}", 1);

    /// <summary>The result in a few sentences; the first one says what decides.</summary>
    public static string Text(EvaluationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        string text = LinearIsAsGood(report) is { } linear ? $"{linear} {AgainstBase(report)}" : AgainstBase(report);
        foreach ((Baseline kind, BaselineScore baseline) in report.Baselines)
        {
            string learned = baseline.LearnedRows is { } rows ? $", from {rows} of the training rows" : "";
            text += $" {Name(kind)} reaches {Percent(baseline.Accuracy)}{learned}.";
        }

        return report.Guard is { } guard ? $"{text} {GuardText(guard)}" : text;
    }

    /// <summary>What a tuned model has to beat, before it is trained.</summary>
    public static string Text(BaselineForecast forecast)
    {
        ArgumentNullException.ThrowIfNull(forecast);
        string others = string.Concat(
            forecast
                .Scores.Where(s => s.Key != Baseline.Linear)
                .Select(s => $" {Name(s.Key)} reaches {Percent(s.Value.Accuracy)}.")
        );
        string linear = forecast.Scores.GetValueOrDefault(Baseline.Linear) is { } score
            ? $" A linear model, trained in seconds without a GPU, reaches {Percent(score.Accuracy)} on the "
                + $"{forecast.TestRows} held-out rows, from {forecast.LearnedRows} training rows."
            : "";
        return $"Before you pay for a GPU:{linear}{others} A tuned model has to be proven better than the best of them "
            + "to become the champion (promotion.equalToBaseline).";
    }

    /// <summary>Both models on the guard set, in a sentence.</summary>
    public static string GuardText(GuardEvaluation guard)
    {
        ArgumentNullException.ThrowIfNull(guard);
        return $"On the guard set of {guard.Outcomes.Count} rows: "
            + $"{EvaluationReportPage.MetricName(guard.ScoreName).ToLowerInvariant()} {Percent(guard.TunedScore)} "
            + $"against {Percent(guard.BaseScore)} of the base.";
    }

    /// <summary>
    /// That tuned is not proven better than the linear model, with both figures; <c>null</c>: it is, or there is no
    /// linear model.
    /// </summary>
    public static string? LinearIsAsGood(EvaluationReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        if (
            report.Baselines.GetValueOrDefault(Baseline.Linear) is not { TunedGain: { } gain } linear
            || gain.Interval.Low > 0
        )
        {
            return null;
        }

        string how = gain.Interval.High < 0 ? "is better than the tuned one" : "is as good as the tuned one";
        return $"A linear model, trained in seconds without a GPU, {how}: {Percent(linear.Accuracy)} against "
            + $"{Percent(report.TunedScore.Accuracy)} on the same {report.Outcomes.Count} held-out rows (tuned minus "
            + $"linear: paired 95 % interval {Points(gain.Interval)} points).";
    }

    /// <summary>A baseline's name for people.</summary>
    public static string Name(Baseline baseline) =>
        baseline switch
        {
            Baseline.Majority => "Always the most frequent label",
            Baseline.NaiveBayes => "Naive Bayes on single words",
            Baseline.Linear => "A linear model on word and character n-grams",
            _ => baseline.Name(),
        };

    [GeneratedRegex("<p class=\"gate\">[^<]*</p>")]
    private static partial Regex PageGate();

    [GeneratedRegex("^.*<!-- gate -->$", RegexOptions.Multiline)]
    private static partial Regex CardGate();

    private static string AgainstBase(EvaluationReport report)
    {
        PairedDifference difference = report.Difference;
        string better =
            difference.Interval.Low > 0 ? "Tuned is better than base"
            : difference.Interval.High < 0 ? "Tuned is worse than base"
            : "Tuned is not proven better than base";
        string metric = report.ScoreName == "accuracy" ? "" : EvaluationReportPage.MetricName(report.ScoreName) + " ";
        return $"{better}: {metric}{Percent(report.TunedScore.Score)} against {Percent(report.BaseScore.Score)} on "
            + $"{report.Outcomes.Count} held-out rows (paired 95 % interval of the difference "
            + $"{Points(difference.Interval)} points).";
    }
}
