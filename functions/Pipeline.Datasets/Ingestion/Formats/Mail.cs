using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using MimeKit.IO;
using MimeKit.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// A file that is a mail, a news post or, as mbox, several: of each its subject and its text, without the other
/// headers. Any other file is its text.
/// </summary>
internal static partial class Mail
{
    private const int HeadBytes = 4096;

    /// <summary>
    /// The mails of a file, each a text, where it holds one or, as mbox, several; else the file as one text.
    /// </summary>
    public static IEnumerable<RawRow> Read(RawFile file, InputBudget budget, ReadingNotes notes) =>
        Recognises(file) && MailBounds.Find(file, budget) is { Count: > 0 } mails
            ? mails.Select((mail, i) => Row(file, mail, i + 1, budget))
            : [Whole(file, budget, notes)];

    /// <summary>Whether a file begins as a mail does.</summary>
    public static bool Recognises(RawFile file) => IsMail(Encoding.Latin1.GetString(file.Head(HeadBytes)));

    private static RawRow Row(RawFile file, MailBounds.Mail mail, int row, InputBudget budget)
    {
        var place = new RowPlace(file.Name, row, mail.Line, mail.Start);
        (string text, string? fault) = mail.Fault is null ? Load(file, mail) : ("", mail.Fault);
        return text.Length > budget.RowCharacters
            ? new RawRow(place, new Dictionary<string, string>(), budget.LongRow)
            : new RawRow(place, new Dictionary<string, string> { [PlainTextReader.Column] = text }, fault);
    }

    private static RawRow Whole(RawFile file, InputBudget budget, ReadingNotes notes)
    {
        var place = new RowPlace(file.Name, 1, 1, 0);
        if (file.Length > budget.RowCharacters)
        {
            return new RawRow(place, new Dictionary<string, string>(), budget.LongRow);
        }

        using MixedText text = MixedText.Open(file, budget);
        string content = text.Reader.ReadToEnd();
        notes.Read(file, text);
        return new RawRow(place, new Dictionary<string, string> { [PlainTextReader.Column] = content }, null);
    }

    /// <summary>
    /// Two known headers at least stand before the first blank line, and nothing else does; a text may well begin with
    /// "From: …".
    /// </summary>
    private static bool IsMail(string head)
    {
        string[] lines = head.ReplaceLineEndings("\n").Split('\n');
        string[] headers =
        [
            .. lines.SkipWhile(l => l.StartsWith("From ", StringComparison.Ordinal)).TakeWhile(l => l.Length > 0),
        ];
        return headers.Length > 1
            && headers.Count(l => KnownHeader().IsMatch(l)) > 1
            && headers.All(l => l[0] is ' ' or '\t' || AnyHeader().IsMatch(l));
    }

    /// <summary>A mail's subject and text. Attachments stay in the file.</summary>
    private static (string Text, string? Fault) Load(RawFile file, MailBounds.Mail mail)
    {
        try
        {
            using Stream stream = file.Open();
            using var own = new BoundStream(stream, mail.Start, mail.End, leaveOpen: true);
            using MimeMessage message = new MimeParser(
                new ParserOptions { MaxMimeDepth = InputBudget.MaxDepth },
                own,
                MimeFormat.Entity,
                persistent: true
            ).ParseMessage();
            string body = message.TextBody ?? (message.HtmlBody is { } html ? WithoutTags(html) : "");
            return (string.IsNullOrWhiteSpace(message.Subject) ? body : $"{message.Subject}\n\n{body}", null);
        }
        catch (FormatException fault)
        {
            return ("", $"not a mail: {fault.Message}");
        }
    }

    private static string WithoutTags(string html)
    {
        var text = new StringBuilder();
        var tokens = new HtmlTokenizer(new StringReader(html)) { DecodeCharacterReferences = true };
        while (tokens.ReadNextToken(out HtmlToken? token))
        {
            if (token.Kind == HtmlTokenKind.Data)
            {
                text.Append(((HtmlDataToken)token).Data);
            }
            else if (
                token is HtmlTagToken
                {
                    Id: HtmlTagId.Br or HtmlTagId.P or HtmlTagId.Div or HtmlTagId.TR or HtmlTagId.LI
                }
            )
            {
                text.Append('\n');
            }
        }

        return text.ToString();
    }

    [GeneratedRegex(
        @"^(?:From|To|Subject|Date|Message-ID|Received|Return-Path|Delivered-To|Path|Newsgroups|MIME-Version|Content-Type|Xref|Organization|Lines|X-[\w-]+):\s",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex KnownHeader();

    [GeneratedRegex(@"^[!-9;-~]+:")]
    private static partial Regex AnyHeader();
}
