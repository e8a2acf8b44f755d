using System.Net;
using System.Text.RegularExpressions;
using PhoneNumbers;

namespace Pipeline.Datasets.Privacy;

/// <summary>
/// Finds what forms and checksums tell: e-mail addresses, links, IP addresses, cards (ISO/IEC 7812-1, Luhn), IBANs (ISO
/// 13616, modulo 97), US social security numbers, and phone numbers by libphonenumber or, where a number has no region,
/// by its form and the words beside it.
/// </summary>
public static partial class PrivacyScanner
{
    private static readonly string[] Regions = ["US", "GB", "DE"];
    private const int ContextCharacters = 32;

    /// <summary>The spans in a text, in order, none over another.</summary>
    /// <param name="text">The text.</param>
    /// <param name="types">The types to look for, the surest first; <c>null</c>: all.</param>
    public static IReadOnlyList<PrivateSpan> Find(string text, IReadOnlyList<string>? types = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        var found = new List<PrivateSpan>();
        foreach (PrivateSpan span in (types ?? PrivateType.All).SelectMany(type => SpansOf(type, text)))
        {
            if (!found.Exists(f => f.Overlaps(span)))
            {
                found.Add(span);
            }
        }

        return [.. found.OrderBy(s => s.Start)];
    }

    /// <summary>Whether digits end in the check digit of Luhn (ISO/IEC 7812-1, annex B).</summary>
    public static bool IsLuhn(string digits)
    {
        ArgumentNullException.ThrowIfNull(digits);
        int sum = 0;
        for (int i = 0; i < digits.Length; i++)
        {
            int digit = digits[^(i + 1)] - '0';
            sum +=
                i % 2 == 0 ? digit
                : digit > 4 ? (2 * digit) - 9
                : 2 * digit;
        }

        return sum % 10 == 0;
    }

    /// <summary>Whether letters and digits are an IBAN: the check digits of ISO 7064, modulo 97-10.</summary>
    public static bool IsIban(string iban)
    {
        ArgumentNullException.ThrowIfNull(iban);
        int remainder = 0;
        foreach (char c in iban[4..] + iban[..4])
        {
            int value = char.IsAsciiDigit(c) ? c - '0' : char.ToUpperInvariant(c) - 'A' + 10;
            remainder = ((value > 9 ? remainder * 100 : remainder * 10) + value) % 97;
        }

        return remainder == 1;
    }

    private static IEnumerable<PrivateSpan> SpansOf(string type, string text) =>
        type switch
        {
            PrivateType.Email => Spans(type, EmailForm().Matches(text)),
            PrivateType.Url => Spans(type, UrlForm().Matches(text)),
            PrivateType.Iban => Spans(
                type,
                IbanForm().Matches(text).Where(m => IsIban(m.Value.Replace(" ", "", StringComparison.Ordinal)))
            ),
            PrivateType.Ip => Spans(type, IpForm().Matches(text).Where(m => IPAddress.TryParse(m.Value, out _))),
            PrivateType.Card => Spans(
                type,
                CardForm()
                    .Matches(text)
                    .Where(m =>
                        Digits(m.Value) is { Length: >= 12 and <= 19 } digits
                        && digits[0] != '0'
                        && digits.Distinct().Count() > 1
                        && IsLuhn(digits)
                    )
            ),
            PrivateType.Ssn => Spans(type, SsnForm().Matches(text)),
            PrivateType.Phone => Phones(text),
            _ => NameScanner.Find(type, text),
        };

    private static IEnumerable<PrivateSpan> Spans(string type, IEnumerable<Match> matches) =>
        matches.Select(m => new PrivateSpan(type, m.Index, m.Index + m.Length));

    private static IEnumerable<PrivateSpan> Phones(string text)
    {
        if (!text.Any(char.IsDigit))
        {
            yield break;
        }

        foreach (Match match in PhoneForm().Matches(text))
        {
            string digits = Digits(match.Value);
            if (
                digits.Length is >= 7 and <= 16
                && !DateForm().IsMatch(match.Value)
                && (HasContext(text, match) || HasForm(match.Value))
            )
            {
                yield return new PrivateSpan(PrivateType.Phone, match.Index, match.Index + match.Length);
            }
        }

        foreach (
            PhoneNumberMatch match in Regions.SelectMany(r =>
                PhoneNumberUtil.GetInstance().FindNumbers(text, r, PhoneNumberUtil.Leniency.STRICT_GROUPING, 1000)
            )
        )
        {
            yield return new PrivateSpan(PrivateType.Phone, match.Start, match.Start + match.Length);
        }
    }

    /// <summary>Words before or after a number that make it one to call.</summary>
    private static bool HasContext(string text, Match match)
    {
        int from = Math.Max(0, match.Index - ContextCharacters);
        int to = Math.Min(text.Length, match.Index + match.Length + ContextCharacters / 2);
        return Context().IsMatch(text.AsSpan(from, match.Index - from))
            || ContextBehind().IsMatch(text.AsSpan(match.Index + match.Length, to - match.Index - match.Length));
    }

    /// <summary>
    /// A form that hardly anything else has: a plus, an area code in brackets, 3-3-4 digits, five pairs, an extension.
    /// </summary>
    private static bool HasForm(string number) => ClearForm().IsMatch(number);

    private static string Digits(string text) => string.Concat(text.Where(char.IsAsciiDigit));

    [GeneratedRegex(
        @"(?<![\w.+-])[A-Za-z0-9][\w.+-]*@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}(?![\w@])"
    )]
    private static partial Regex EmailForm();

    [GeneratedRegex(@"(?<![\w@])(?:https?://|ftp://|www\.)[^\s<>""')\]]*[^\s<>""')\].,;:!?]", RegexOptions.IgnoreCase)]
    private static partial Regex UrlForm();

    [GeneratedRegex(@"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?!\w)")]
    private static partial Regex IbanForm();

    [GeneratedRegex(
        @"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w.]*\d)|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\w:])|(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){1,6}:(?:[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,5})?(?![\w:])"
    )]
    private static partial Regex IpForm();

    [GeneratedRegex(@"(?<![\w.,-])\d(?:[ -]?\d){11,18}(?![\w]|[.,-]\d)")]
    private static partial Regex CardForm();

    [GeneratedRegex(@"(?<![\w-])(?!000|666)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")]
    private static partial Regex SsnForm();

    [GeneratedRegex(
        @"(?<![\w.,/@-])(?:\+ ?)?\(?\d(?:[ .()\-]{0,2}\d){6,15}(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w]|[.,-]\d)",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex PhoneForm();

    [GeneratedRegex(@"^(?:19|20)\d\d[-. ]\d{1,2}[-. ]\d{1,2}(?:\D|$)|^\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d\d(?:\D|$)")]
    private static partial Regex DateForm();

    [GeneratedRegex(
        @"(?:\b(?:phones?|tel|telephone|mobile|cell|fax|desk|call|dial|ring|text|sms|whats ?app|number|reach|contact|office|answering|receiving messages|hotline|support)\b)[^\d\n]{0,20}\n?\s*\Z|\bcall (?:me|us|him|her) (?:on|at)\s*\Z",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Context();

    [GeneratedRegex(@"\A[\s\-,(]{0,3}(?:office|fax|mobile|phone|cell|home|work|desk)\b", RegexOptions.IgnoreCase)]
    private static partial Regex ContextBehind();

    [GeneratedRegex(
        @"^\+|^\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|^\(\d{2,4}\)|^\d{2}(?:[ .-]\d{2}){3,4}$|(?:x|ext)|^\d{3}[ .-]\d{3}[ .-]\d{3}$|^0\d{2,4}[ .-]\d",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex ClearForm();
}
