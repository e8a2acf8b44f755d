using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using MimeKit.Text;
using Pipeline.Datasets.Ingestion.Files;

namespace Pipeline.Datasets.Ingestion.Formats;

/// <summary>A file that is a mail or a news post: its subject and its text, without the other headers. Any other file is its text.</summary>
internal static partial class Mail
{
    private const int HeadBytes = 4096;

    /// <summary>The file as one text.</summary>
    public static string Text(RawFile file, ReadingNotes notes)
    {
        if (!FirstHeader().IsMatch(Encoding.Latin1.GetString(file.Head(HeadBytes))))
        {
            using MixedText text = MixedText.Open(file);
            string content = text.Reader.ReadToEnd();
            notes.Read(file, text);
            return content;
        }

        using Stream stream = file.Open();
        MimeMessage mail = MimeMessage.Load(stream);
        string body = mail.TextBody ?? (mail.HtmlBody is { } html ? WithoutTags(html) : "");
        return string.IsNullOrWhiteSpace(mail.Subject) ? body : $"{mail.Subject}\n\n{body}";
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
            else if (token is HtmlTagToken { Id: HtmlTagId.Br or HtmlTagId.P or HtmlTagId.Div or HtmlTagId.TR or HtmlTagId.LI })
            {
                text.Append('\n');
            }
        }

        return text.ToString();
    }

    [GeneratedRegex(@"\A(?:From |(?:From|To|Subject|Date|Message-ID|Received|Return-Path|Delivered-To|Path|Newsgroups|MIME-Version|Xref|X-[\w-]+):)", RegexOptions.IgnoreCase)]
    private static partial Regex FirstHeader();
}
