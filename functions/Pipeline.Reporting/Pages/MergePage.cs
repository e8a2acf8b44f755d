using System.Globalization;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Reporting.Pages;

/// <summary>
/// The page of a merge: the adapter beside its base, and the two folded together, on the same held-out rows.
/// </summary>
public static class MergePage
{
    /// <summary>Writes the page; one file, no script, every text escaped.</summary>
    /// <param name="title">The adapter's name.</param>
    /// <param name="report">Both scores and how far apart they are.</param>
    /// <param name="scoreName">What a row's score is.</param>
    /// <param name="rows">Held-out rows that were evaluated.</param>
    public static string Write(string title, MergeReport report, string scoreName, int rows)
    {
        ArgumentNullException.ThrowIfNull(report);
        StringBuilder page = HtmlPage.Begin(title);
        page.Append(
            CultureInfo.InvariantCulture,
            $"<h1>{HtmlPage.Escape(title)}</h1><p>{HtmlPage.Escape(Verdict(report, rows))}</p><table><tr><th></th>"
                + $"<th>adapter on its base</th><th>merged</th></tr>"
        );
        void Row(string name, Func<ModelScore, string> value) =>
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>{HtmlPage.Escape(name)}</th><td>{value(report.AdapterScore)}</td>"
                    + $"<td>{value(report.MergedScore)}</td></tr>"
            );
        Row(
            $"{EvaluationReportPage.MetricName(scoreName)} (95 % interval)",
            s =>
                $"{Figures.Percent(s.Score)} ({Figures.Percent(s.Interval.Low)} to "
                + $"{Figures.Percent(s.Interval.High)})"
        );
        Row(
            "Perplexity of the gold answer, a token",
            s => s.Perplexity.ToString("0.0000", CultureInfo.InvariantCulture)
        );
        return HtmlPage.End(page.Append("</table>"));
    }

    /// <summary>The result in one sentence.</summary>
    public static string Verdict(MergeReport report, int rows)
    {
        ArgumentNullException.ThrowIfNull(report);
        bool answers = report.AdapterScore.ExactMatch is not null || report.AdapterScore.PerLabel.Count > 0;
        string differ = answers ? $"{report.RowsThatDiffer} of {rows} rows are answered differently, " : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"Merged into {report.Base}{(report.Dequantized ? ", dequantised from NF4" : "")}, in float32: "
                + $"{Figures.Percent(report.AdapterScore.Score)} with the adapter, "
                + $"{Figures.Percent(report.MergedScore.Score)} merged; {differ}"
                + $"log-likelihoods differ by {report.LargestDifference:0.0e+00} at most."
        );
    }
}
