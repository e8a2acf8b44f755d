using System.Globalization;
using System.Net;
using System.Text;

namespace Pipeline.Reporting.Pages;

/// <summary>
/// What our pages have in common: one file with everything in it, no script, no request, every text escaped.
/// </summary>
internal static class HtmlPage
{
    /// <summary>A page up to where its content begins.</summary>
    /// <param name="title">Not escaped yet.</param>
    /// <param name="style">What its own elements look like.</param>
    public static StringBuilder Begin(string title, string style = "") =>
        new StringBuilder().Append(
            CultureInfo.InvariantCulture,
            $"<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                + $"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                + $"<title>{Escape(title)}</title><style>{Style}{style}</style></head><body><main>"
        );

    /// <summary>The whole page.</summary>
    public static string End(StringBuilder page) => page.Append("</main></body></html>\n").ToString();

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    private const string Style =
        "body{font:15px/1.5 system-ui,sans-serif;color:#1c2430;background:#fff;margin:0}"
        + "main{max-width:60rem;margin:2rem auto;padding:0 1rem}"
        + ".gate{font-size:1.1rem;font-weight:600}"
        + "h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse;margin:.5rem 0}"
        + "th,td{padding:.3rem .7rem;border-bottom:1px solid #dde3ea;text-align:left;vertical-align:top}"
        + "td{font-variant-numeric:tabular-nums}td.text{white-space:pre-wrap;overflow-wrap:anywhere;max-width:30rem}"
        + ".matrix td{text-align:right;"
        + "background:linear-gradient(#3b7dd84d,#3b7dd84d) no-repeat left/var(--share) 100%}"
        + "svg{width:100%;height:auto;font-size:11px;fill:#5a6675}.grid{stroke:#e6eaf0}"
        + "polyline{fill:none;stroke-width:1.6}.raw{stroke:#b9c9de;stroke-width:1}.smooth{stroke:#3b7dd8}"
        + ".validation{stroke:#d0662a;fill:none}circle.validation{fill:#d0662a}";
}
