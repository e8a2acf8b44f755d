using System.Net;
using System.Text;
using Pipeline.Tokenization;

namespace Pipeline.Datasets.Validation;

/// <summary>What is done to every text before it is judged: HTML entities read, line ends unified, control characters dropped, NFC, trimmed.</summary>
public static class TextCleaning
{
    public static string Clean(string raw)
    {
        ArgumentNullException.ThrowIfNull(raw);
        string text = WebUtility.HtmlDecode(raw).ReplaceLineEndings("\n");
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

    /// <summary>What two texts have in common when they are the same to a reader: letters in one case, runs of white space as one blank.</summary>
    public static string Key(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return string.Join(' ', text.ToUpperInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
