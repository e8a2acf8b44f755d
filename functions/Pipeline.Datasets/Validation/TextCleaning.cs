using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Datasets.Validation;

/// <summary>
/// What is done to every text before it is validated: HTML entities and literal <c>\u2019</c> escapes read, line ends
/// unified, control characters dropped, NFC, trimmed.
/// </summary>
public static partial class TextCleaning
{
    /// <summary>Cleans a text.</summary>
    /// <param name="raw">As it was read.</param>
    /// <param name="accidents">Whether entities and escapes are accidents to be repaired; in code and JSON they are
    /// not.</param>
    public static string Clean(string raw, bool accidents = true)
    {
        ArgumentNullException.ThrowIfNull(raw);
        string text = (accidents ? Unescape(WebUtility.HtmlDecode(raw)) : raw).ReplaceLineEndings("\n");
        var kept = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (!Rune.IsControl(rune) || rune.Value is '\n' or '\t')
            {
                kept.Append(rune.ToString());
            }
        }

        return UnicodeText.Compose(kept.ToString()).Trim();
    }

    /// <summary>Literal <c>\u2019</c> as the character; half of a pair alone stays as it is.</summary>
    private static string Unescape(string text) =>
        !text.Contains("\\u", StringComparison.Ordinal)
            ? text
            : Escapes()
                .Replace(
                    text,
                    match =>
                    {
                        string units = string.Concat(
                            match.Groups["unit"].Captures.Select(c => (char)Convert.ToInt32(c.Value, 16))
                        );
                        return units.EnumerateRunes().Any(r => r == Rune.ReplacementChar) ? match.Value : units;
                    }
                );

    [GeneratedRegex(@"(?:\\u(?<unit>[0-9a-fA-F]{4}))+")]
    private static partial Regex Escapes();
}
