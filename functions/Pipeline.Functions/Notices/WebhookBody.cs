using Pipeline.Contracts;
using static Pipeline.Reporting.Pages.Figures;

namespace Pipeline.Functions.Notices;

/// <summary>The bodies of webhooks.</summary>
internal static class WebhookBody
{
    /// <summary>The body of a form, JSON.</summary>
    public static string Write(RunNotice notice, WebhookForm form) =>
        form switch
        {
            WebhookForm.Slack => ContractJson.Write(new { text = Slack(notice) }),
            WebhookForm.Teams => ContractJson.Write(Teams(notice)),
            _ => ContractJson.Write(notice),
        };

    /// <summary>The figures of a published version in words; empty: there are none.</summary>
    public static string FiguresOf(RunNotice notice) =>
        notice.Data is { BaseScore: { } before, TunedScore: { } after }
            ? $"Base {Percent(before)}, tuned {Percent(after)} on the held-out rows."
            : "";

    /// <summary>Slack's mrkdwn escapes three characters. Source: Slack's API, "Formatting text".</summary>
    private static string Slack(RunNotice notice)
    {
        static string Escape(string text) =>
            text.Replace("&", "&amp;", StringComparison.Ordinal)
                .Replace("<", "&lt;", StringComparison.Ordinal)
                .Replace(">", "&gt;", StringComparison.Ordinal);
        string link = notice.Data.Link is { } address ? $"<{address}|{notice.Data.RunId}>" : notice.Data.RunId;
        return string.Join(
            '\n',
            ((string[])[Escape(notice.Title), FiguresOf(notice), $"Run {link}"]).Where(l => l.Length > 0)
        );
    }

    /// <summary>
    /// A message with one adaptive card. Source: Microsoft Teams, "Create incoming webhooks with Workflows".
    /// </summary>
    private static object Teams(RunNotice notice)
    {
        List<object> lines =
        [
            new
            {
                type = "TextBlock",
                text = Plain(notice.Title),
                weight = "bolder",
                wrap = true,
            },
            new
            {
                type = "TextBlock",
                text = $"{FiguresOf(notice)} Run {notice.Data.RunId}".Trim(),
                wrap = true,
            },
        ];
        object[] actions = notice.Data.Link is { } url
            ?
            [
                new
                {
                    type = "Action.OpenUrl",
                    title = "Open",
                    url,
                },
            ]
            : [];
        return new
        {
            type = "message",
            attachments = new[]
            {
                new
                {
                    contentType = "application/vnd.microsoft.card.adaptive",
                    content = new
                    {
                        type = "AdaptiveCard",
                        version = "1.4",
                        body = lines,
                        actions,
                    },
                },
            },
        };
    }

    /// <summary>A card's text is read as Markdown: a file's name must not become a link.</summary>
    private static string Plain(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("[", "\\[", StringComparison.Ordinal)
            .Replace("*", "\\*", StringComparison.Ordinal)
            .Replace("_", "\\_", StringComparison.Ordinal);
}
