using System.Globalization;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Reporting.Pages;

/// <summary>
/// The page of rejected rows, for a clerk: how many of each kind, what to do about them, and the rows
/// themselves.
/// </summary>
public static class RejectedPage
{
    private const int MaxRows = 500;
    private const int LongestValue = 300;

    /// <summary>Writes the page; one file, no script, every text escaped.</summary>
    /// <param name="manifest">The dataset.</param>
    /// <param name="rows">The rows, in their order; the first 500 are shown.</param>
    public static string Write(DatasetManifest manifest, IEnumerable<RejectedRow> rows)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        ArgumentNullException.ThrowIfNull(rows);
        StringBuilder page = HtmlPage.Begin($"Rejected rows of dataset {manifest.DatasetId}");
        int left = manifest.Reasons.Values.Sum();
        page.Append(
            CultureInfo.InvariantCulture,
            $"<h1>Rejected rows of dataset {HtmlPage.Escape(manifest.DatasetId)}</h1><p>{left} of "
                + $"{manifest.Rows.Read} rows. Nothing is lost: "
                + $"each stands here, or in rejected.jsonl, as it was read.</p>"
        );
        page.Append("<table><tr><th>reason</th><th>rows</th><th>what to do</th></tr>");
        foreach (
            (string reason, int count) in manifest
                .Reasons.OrderByDescending(r => r.Value)
                .ThenBy(r => r.Key, StringComparer.Ordinal)
        )
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><th>{HtmlPage.Escape(reason)}</th><td>{count}</td>"
                    + $"<td>{HtmlPage.Escape(AdviceFor(reason))}</td></tr>"
            );
        }

        page.Append("</table><h2>The rows</h2><table><tr><th>where</th><th>what is wrong</th><th>the row</th></tr>");
        foreach (RejectedRow row in rows.Take(MaxRows))
        {
            RowPlace place = row.Source;
            string line = place.Line > 0 ? $", line {place.Line}" : "";
            string offset = place.Offset >= 0 ? $", byte {place.Offset}" : "";
            page.Append(
                CultureInfo.InvariantCulture,
                $"<tr><td>{HtmlPage.Escape(place.File)}<br>row {place.Row}{line}{offset}</td>"
                    + $"<td>{row.Reason.Name()}: {HtmlPage.Escape(row.Detail)}</td><td class=\"text\">"
            );
            page.AppendJoin(
                    "<br>",
                    row.Fields.Select(f => $"<b>{HtmlPage.Escape(f.Key)}</b> {HtmlPage.Escape(Shortened(f.Value))}")
                )
                .Append("</td></tr>");
        }

        page.Append("</table>");
        if (left > MaxRows)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p>The first {MaxRows} are shown.</p>");
        }

        return HtmlPage.End(page);
    }

    private static string AdviceFor(string reason) =>
        EnumNames.Parse<RejectionReason>(reason) is { } known ? RejectionReasons.Advice(known) : "See the detail.";

    private static string Shortened(string text) => text.Length <= LongestValue ? text : text[..LongestValue] + "…";
}
