using System.Globalization;
using System.Text;

namespace Pipeline.Reporting.Pages;

/// <summary>The pages behind a signed link to an answer.</summary>
public static class VerdictPage
{
    private const int LongestField = 2_000;

    /// <summary>Asks to confirm a verdict, and for what a person may add.</summary>
    /// <param name="isUp">Whether the answer is good.</param>
    /// <param name="text">The text that was answered.</param>
    /// <param name="answer">The answer; empty: not known.</param>
    public static string Form(bool isUp, string text, string answer)
    {
        string title = isUp ? "Is this answer good?" : "Is this answer wrong?";
        StringBuilder page = HtmlPage.Begin(title, "input{width:100%;font:inherit}blockquote{white-space:pre-wrap}");
        page.Append(CultureInfo.InvariantCulture, $"<h1>{title}</h1>");
        Quote(page, "Text", text);
        Quote(page, "Answer", answer);
        page.Append("<form method=\"post\">");
        Field(page, "correction", "The right answer, if you know it");
        Field(page, "comment", "Remark");
        page.Append(
            CultureInfo.InvariantCulture,
            $"<p><button>{(isUp ? "Yes, it is good" : "Yes, it is wrong")}</button></p></form>"
        );
        return HtmlPage.End(page);
    }

    /// <summary>The page with the result.</summary>
    public static string Message(string title, string words)
    {
        StringBuilder page = HtmlPage.Begin(title);
        page.Append(CultureInfo.InvariantCulture, $"<h1>{HtmlPage.Escape(title)}</h1><p>{HtmlPage.Escape(words)}</p>");
        return HtmlPage.End(page);
    }

    private static void Quote(StringBuilder page, string name, string text)
    {
        if (text.Length > 0)
        {
            page.Append(
                CultureInfo.InvariantCulture,
                $"<p>{name}:</p><blockquote>{HtmlPage.Escape(text)}</blockquote>"
            );
        }
    }

    private static void Field(StringBuilder page, string name, string label) =>
        page.Append(
            CultureInfo.InvariantCulture,
            $"<p><label>{label}:<br><input name=\"{name}\" maxlength=\"{LongestField}\"></label></p>"
        );
}
