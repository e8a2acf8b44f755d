using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using MimeKit.Text;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>
/// A file that is a mail or a news post: its subject and its text, without the other headers. Any other file is its
/// text.
/// </summary>
internal static partial class Mail
{
    private const int HeadBytes = 4096;

    /// <summary>The file as one text.</summary>
    public static string Text(RawFile file, ReadingNotes notes)
    {
        if (!IsMail(Encoding.Latin1.GetString(file.Head(HeadBytes))) || Load(file) is not { } mail)
        {
            using MixedText text = MixedText.Open(file);
            string content = text.Reader.ReadToEnd();
            notes.Read(file, text);
            return content;
        }

        string body = mail.TextBody ?? (mail.HtmlBody is { } html ? WithoutTags(html) : "");
        return string.IsNullOrWhiteSpace(mail.Subject) ? body : $"{mail.Subject}\n\n{body}";
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

    private static MimeMessage? Load(RawFile file)
    {
        try
        {
            using Stream stream = file.Open();
            return MimeMessage.Load(stream);
        }
        catch (FormatException)
        {
            return null; // not a mail after all
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
