using System.Globalization;
using System.Text;
using Pipeline.Contracts;
using static Pipeline.Reporting.Pages.Figures;
using static Pipeline.Reporting.Pages.HtmlPage;

namespace Pipeline.Reporting.Pages;

/// <summary><c>report.html</c>: one file with everything in it, no script, no request, every text escaped.</summary>
public static class EvaluationReportPage
{
    private const int RowsShown = 40;

    /// <summary>Writes the page.</summary>
    /// <param name="title">Project and version.</param>
    /// <param name="report">The evaluation.</param>
    /// <param name="manifest">The dataset.</param>
    /// <param name="test">Held-out rows, in the order of the outcomes.</param>
    /// <param name="guard">Rows of the guard set, in the order of its outcomes; empty: there is none.</param>
    /// <param name="lossCurveSvg">What <see cref="LossCurve"/> drew; empty: nothing was trained.</param>
    public static string Write(
        string title,
        EvaluationReport report,
        DatasetManifest manifest,
        IReadOnlyList<Example> test,
        IReadOnlyList<Example> guard,
        string lossCurveSvg
    )
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(guard);
        ArgumentNullException.ThrowIfNull(lossCurveSvg);
        StringBuilder page = HtmlPage.Begin(title);
        page.Append(
            CultureInfo.InvariantCulture,
            $"<h1>{Escape(title)}</h1>{EvaluationVerdict.PlaceInPage}<p>{Escape(EvaluationVerdict.Text(report))}</p>"
        );
        AppendScores(page, report);
        if (lossCurveSvg.Length > 0)
        {
            page.Append(
                    "<h2>Loss</h2><p>Loss per supervised token (nats): each step, its running mean, and the "
                        + "validation rows.</p>"
                )
                .Append(lossCurveSvg);
        }

        AppendConfusion(page, report);
        AppendLabels(page, report);
        AppendRows(
            page,
            "Rows won",
            report.ScoreName == "accuracy"
                ? "Base had them wrong, tuned has them right."
                : "Tuned scores higher than base.",
            report.Outcomes,
            test,
            o => o.TunedScore > o.BaseScore
        );
        AppendRows(
            page,
            "Rows lost",
            report.ScoreName == "accuracy"
                ? "Base had them right, tuned has them wrong."
                : "Base scores higher than tuned.",
            report.Outcomes,
            test,
            o => o.TunedScore < o.BaseScore
        );
        AppendGuard(page, report, guard);
        AppendDataset(page, report, manifest);
        return HtmlPage.End(page);
    }

    private static void AppendScores(StringBuilder page, EvaluationReport report)
    {
        page.Append(
            "<h2>Base and tuned on the same held-out rows</h2><table><tr><th></th><th>base</th><th>tuned</th></tr>"
        );
        void Row(string name, Func<ModelScore, string> value) =>
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>{Escape(name)}</th><td>{Escape(value(report.BaseScore))}</td>"
                    + $"<td>{Escape(value(report.TunedScore))}</td></tr>"
            );
        Row(
            $"{MetricName(report.ScoreName)} (95 % interval)",
            s => $"{Percent(s.Score)} ({Percent(s.Interval.Low)} to {Percent(s.Interval.High)})"
        );
        foreach (string metric in report.TunedScore.Metrics.Keys.Where(m => m != report.ScoreName && m != "macroF1"))
        {
            Row(MetricName(metric), s => s.Metrics.TryGetValue(metric, out double value) ? Percent(value) : "");
        }

        if (report.Labels.Count > 0)
        {
            Row("Macro-F1", s => s.MacroF1!.Value.ToString("0.000", CultureInfo.InvariantCulture));
        }

        Row("Perplexity of the gold answer, a token", s => s.Perplexity.ToString("0.00", CultureInfo.InvariantCulture));
        if (report.TunedScore.ExactMatch is not null)
        {
            Row("Written answer exactly right", s => Percent(s.ExactMatch!.Value));
            Row("Written answer ended by itself", s => Percent(s.StopRate!.Value));
        }

        page.Append("</table>");
        if (report.Baselines.Count > 0)
        {
            page.Append(
                "<p>Without a language model, from the same training rows:</p><table><tr><th></th><th>accuracy</th>"
                    + "<th>macro-F1</th></tr>"
            );
            foreach ((Baseline kind, BaselineScore score) in report.Baselines)
            {
                page.Append(
                    CultureInfo.InvariantCulture,
                    $"<tr><th>{Escape(EvaluationVerdict.Name(kind))}</th><td>{Percent(score.Accuracy)}</td>"
                        + $"<td>{score.MacroF1.ToString("0.000", CultureInfo.InvariantCulture)}</td></tr>"
                );
            }

            page.Append("</table>");
        }
    }

    private static void AppendConfusion(StringBuilder page, EvaluationReport report)
    {
        if (report.Labels.Count is 0 or > 30)
        {
            return;
        }

        page.Append(
            "<h2>Confusion matrix of the tuned model</h2><p>Rows are right labels, columns are answers.</p>"
                + "<table class=\"matrix\"><tr><th></th>"
        );
        foreach (string label in report.Labels)
        {
            page.Append(CultureInfo.InvariantCulture, $"<th>{Escape(label)}</th>");
        }

        page.Append("</tr>");
        foreach ((int i, IReadOnlyList<int> counts) in report.Confusion.Index())
        {
            int sum = Math.Max(1, counts.Sum());
            page.Append(CultureInfo.InvariantCulture, $"<tr><th>{Escape(report.Labels[i])}</th>");
            foreach (int count in counts)
            {
                page.Append(CultureInfo.InvariantCulture, $"<td style=\"--share:{100 * count / sum}%\">{count}</td>");
            }

            page.Append("</tr>");
        }

        page.Append("</table>");
    }

    private static void AppendLabels(StringBuilder page, EvaluationReport report)
    {
        if (report.TunedScore.PerLabel.Count == 0)
        {
            return;
        }

        page.Append(report.Labels.Count > 0 ? "<h2>Label by label</h2>" : "<h2>Kind by kind</h2>")
            .Append(
                "<table><tr><th></th><th>rows</th><th>precision</th><th>recall</th><th>F1</th><th>F1 of base</th></tr>"
            );
        foreach ((string label, LabelScore score) in report.TunedScore.PerLabel)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>{Escape(label)}</th><td>{score.Support}</td><td>{score.Precision:0.000}</td>"
                    + $"<td>{score.Recall:0.000}</td><td>{score.F1:0.000}</td>"
                    + $"<td>{report.BaseScore.PerLabel.GetValueOrDefault(label)?.F1 ?? 0:0.000}</td></tr>"
            );
        }

        page.Append("</table>");
    }

    private static void AppendRows(
        StringBuilder page,
        string heading,
        string meaning,
        IReadOnlyList<RowOutcome> outcomes,
        IReadOnlyList<Example> test,
        Func<RowOutcome, bool> which
    )
    {
        List<(int Index, RowOutcome Item)> rows = [.. outcomes.Index().Where(o => which(o.Item))];
        string cut = rows.Count > RowsShown ? $" The first {RowsShown}; all are in evaluation.json." : "";
        page.Append(CultureInfo.InvariantCulture, $"<h2>{heading}: {rows.Count}</h2><p>{meaning}{cut}</p>")
            .Append("<table><tr><th>row</th><th>text</th><th>right</th><th>base</th><th>tuned</th></tr>");
        foreach ((int index, RowOutcome outcome) in rows.Take(RowsShown))
        {
            ChatMessage? question = test[index].Messages.LastOrDefault(m => m.Role == MessageRole.User);
            // Of a plain text there is no question: the text is what is right, and each model has its score.
            (string text, string right, string bare, string tuned) = question is null
                ? (outcome.Gold, "", Percent(outcome.BaseScore ?? 0), Percent(outcome.TunedScore ?? 0))
                : (question.Content, outcome.Gold, outcome.Base, outcome.Tuned);
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td>{Escape(outcome.Id)}</td><td class=\"text\">{Escape(text)}</td><td>{Escape(right)}</td>"
                    + $"<td>{Escape(bare)}</td><td>{Escape(tuned)}</td></tr>"
            );
        }

        page.Append("</table>");
    }

    private static void AppendGuard(StringBuilder page, EvaluationReport report, IReadOnlyList<Example> rows)
    {
        if (report.Guard is not { } guard || rows.Count == 0)
        {
            return;
        }

        page.Append(
            CultureInfo.InvariantCulture,
            $"<h2>Guard set</h2><p>Rows that no version may answer worse; nothing was learned from them. "
                + $"{Escape(EvaluationVerdict.GuardText(guard))}</p>"
        );
        AppendRows(
            page,
            "Rows of the guard set lost",
            "Base scores higher than tuned.",
            guard.Outcomes,
            rows,
            o => o.TunedScore < o.BaseScore
        );
    }

    private static void AppendDataset(StringBuilder page, EvaluationReport report, DatasetManifest manifest)
    {
        RowCounts rows = manifest.Rows;
        page.Append(
            CultureInfo.InvariantCulture,
            $"<h2>What it was made of</h2><table><tr><th>Dataset</th><td>{Escape(manifest.DatasetId)} from "
                + $"{Escape(string.Join(", ", manifest.Sources.Select(s => s.Name)))}</td></tr>"
        );
        page.Append(
            CultureInfo.InvariantCulture,
            $"<tr><th>Rows</th><td>{rows.Read} read: {rows.Accepted} accepted "
                + $"({(manifest.Task == TaskKind.Text ? "in pieces: " : "")}{rows.Train} to train, "
                + $"{rows.Validation} to validate, {rows.Test} to test), "
                + $"{rows.Rejected} rejected, {rows.Duplicates} duplicates</td></tr>"
        );
        foreach (SynthesisSummary made in manifest.Synthesis)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>Made by {Escape(made.Generator)}</th><td>{made.Learned} training rows of {made.Made} made"
                    + $"{(made.Cost is { } cost ? $", for {cost:0.00##} in money" : "")}; "
                    + $"validation and test hold none</td></tr>"
            );
        }

        foreach (string note in manifest.Notes)
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><th>Note</th><td>{Escape(note)}</td></tr>");
        }

        (string textColumn, string labelColumn, bool guessed) = manifest.Columns;
        string answer = labelColumn.Length > 0 ? $", answer from '{Escape(labelColumn)}'" : "";
        page.Append(
            CultureInfo.InvariantCulture,
            $"<tr><th>Columns</th><td>text from '{Escape(textColumn)}'{answer}{(guessed ? " (guessed)" : "")}</td></tr>"
        );
        page.Append(
            CultureInfo.InvariantCulture,
            $"<tr><th>Base</th><td>{Escape(manifest.Base)}, template {Escape(manifest.Template)}</td></tr>"
        );
        if (report.Training is { } training)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>Training</th><td>{training.Steps} steps, {training.Tokens} tokens, "
                    + $"{training.TokensPerSecond:0} tokens a second, {training.TrainableParameters} trainable "
                    + $"parameters, peak memory {training.PeakMemoryBytes / 1048576} MiB"
                    + $"{(training.Engine is { } engine ? $"; computed by {Escape(engine)}" : "")}</td></tr>"
            );
        }

        page.Append("</table>");
    }

    /// <summary>A metric's name for people.</summary>
    public static string MetricName(string metric) =>
        metric switch
        {
            "accuracy" => "Accuracy",
            "rougeL" => "ROUGE-L",
            "jsonValidity" => "Valid JSON objects",
            "fieldPrecision" => "Field precision",
            "fieldRecall" => "Field recall",
            "fieldF1" => "Field F1",
            "spanPrecision" => "Span precision",
            "spanRecall" => "Span recall",
            "spanF1" => "Span F1",
            "entityPrecision" => "Entity precision",
            "entityRecall" => "Entity recall",
            "entityF1" => "Entity F1",
            "leakRate" => "Entities that leak",
            "tokenLikelihood" => "Likelihood of the right token",
            "faithfulText" => "Answers that keep the text between the masks",
            _ when metric.StartsWith("leakRate.", StringComparison.Ordinal) =>
                $"… of the type {metric["leakRate.".Length..]}",
            _ => metric,
        };
}
