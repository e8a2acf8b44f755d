using System.Numerics;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// A text as a set: hashes of its runs of three words, letters and digits alone counting, links and names after an @
/// left out.
/// </summary>
public static class Shingles
{
    private const int Words = 3;

    /// <summary>Hashes of the runs of three words; a text of fewer words is one run.</summary>
    public static List<ulong> From(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var shingles = new List<ulong>();
        (ulong before, ulong last, int words) = (0, 0, 0);
        for (int at = 0; at < text.Length; )
        {
            if (text[at] == '@')
            {
                at = EndOfName(text, at + 1);
                continue;
            }

            if (IsLink(text.AsSpan(at)))
            {
                at = EndOfLink(text, at);
                continue;
            }

            if (!char.IsLetterOrDigit(text[at]) && !char.IsSurrogate(text[at]))
            {
                at++;
                continue;
            }

            ulong word = 14695981039346656037;
            bool ideograph = IsIdeograph(text[at]);
            for (
                int from = at;
                at < text.Length
                    && (char.IsLetterOrDigit(text[at]) || char.IsSurrogate(text[at]))
                    && (at == from || (!ideograph && !IsIdeograph(text[at])));
                at++
            )
            {
                word = (word ^ char.ToUpperInvariant(text[at])) * 1099511628211;
            }

            words++;
            if (words >= Words)
            {
                shingles.Add(Mix(before, last, word));
            }

            (before, last) = (last, word);
        }

        if (words is > 0 and < Words)
        {
            shingles.Add(Mix(before, last, (ulong)words));
        }
        else if (words == 0 && text.Length > 0)
        {
            // the very same signs
            shingles.Add(text.Aggregate(14695981039346656037, (hash, c) => (hash ^ c) * 1099511628211));
        }

        return shingles;
    }

    private static int EndOfName(string text, int at)
    {
        while (at < text.Length && (char.IsLetterOrDigit(text[at]) || text[at] == '_') && !IsIdeograph(text[at]))
        {
            at++;
        }

        return at;
    }

    private static bool IsLink(ReadOnlySpan<char> text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("www.", StringComparison.OrdinalIgnoreCase);

    private static int EndOfLink(string text, int at)
    {
        while (at < text.Length && !char.IsWhiteSpace(text[at]) && char.IsAscii(text[at]))
        {
            at++;
        }

        return at;
    }

    /// <summary>Scripts without blanks between words: a sign is a word.</summary>
    private static bool IsIdeograph(char c) =>
        c is >= '\u2E80' and <= '\u9FFF' or >= '\uF900' and <= '\uFAFF' or >= '\u0E00' and <= '\u0E7F';

    private static ulong Mix(ulong one, ulong two, ulong three)
    {
        ulong mixed =
            (one * 0x9E3779B97F4A7C15)
            ^ BitOperations.RotateLeft(two * 0xC2B2AE3D27D4EB4F, 23)
            ^ BitOperations.RotateLeft(three * 0x165667B19E3779F9, 41);
        mixed = (mixed ^ (mixed >> 31)) * 0xD6E8FEB86659FD93;
        return mixed ^ (mixed >> 32);
    }
}
