using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// Splits a text into words by the expressions of a tokenizer.json, one after the other: what an expression matches and
/// what lies between its matches are words each.
/// </summary>
/// <remarks>
/// The expressions count in characters, .NET's in halves of surrogate pairs. So they are run over a copy in which each
/// character beyond U+FFFF is one stand-in of its kind (letter, number, other), and the cuts are carried over.
/// </remarks>
internal sealed class WordSplitter(IReadOnlyList<string> expressions)
{
    /// <summary>
    /// GPT-2's expression, which ByteLevel uses when told to. Source: huggingface/tokenizers, <c>byte_level.rs</c>.
    /// </summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Each digit a word of its own.</summary>
    public const string Digits = @"\p{N}";

    /// <summary>An expression comes from a stranger: it gets a moment, not the machine.</summary>
    private static readonly TimeSpan MatchTimeout = TimeSpan.FromSeconds(5);

    private readonly Regex[] _expressions =
    [
        .. expressions.Select(e => new Regex(e, RegexOptions.CultureInvariant | RegexOptions.Compiled, MatchTimeout)),
    ];

    /// <summary>The words, which together are the text.</summary>
    public IEnumerable<string> Split(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            foreach ((int start, int end) in Cut(text))
            {
                yield return text[start..end];
            }

            yield break;
        }

        (string standIn, int[] offsets) = StandIn(text);
        foreach ((int start, int end) in Cut(standIn))
        {
            yield return text[offsets[start]..offsets[end]];
        }
    }

    private List<(int Start, int End)> Cut(string text)
    {
        List<(int Start, int End)> parts = [(0, text.Length)];
        foreach (Regex expression in _expressions)
        {
            parts = [.. parts.SelectMany(p => Cut(expression, text, p.Start, p.End))];
        }

        return parts;
    }

    private static IEnumerable<(int Start, int End)> Cut(Regex expression, string text, int start, int end)
    {
        int done = start;
        // what lies outside must not be looked at
        string part = start == 0 && end == text.Length ? text : text[start..end];
        foreach ((int index, int length) in Matches(expression, part))
        {
            int at = start + index;
            if (at > done)
            {
                yield return (done, at);
            }

            done = at + length;
            if (length > 0)
            {
                yield return (at, done);
            }
        }

        if (done < end)
        {
            yield return (done, end);
        }
    }

    private static List<(int Index, int Length)> Matches(Regex expression, string text)
    {
        var matches = new List<(int, int)>();
        foreach (ValueMatch match in expression.EnumerateMatches(text))
        {
            matches.Add((match.Index, match.Length));
        }

        return matches;
    }

    private static (string Text, int[] Offsets) StandIn(string text)
    {
        var copy = new StringBuilder(text.Length);
        var offsets = new List<int>(text.Length + 1);
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            offsets.Add(at);
            at += rune.Utf16SequenceLength;
            copy.Append(rune.IsBmp ? (char)rune.Value : Kind(Rune.GetUnicodeCategory(rune)));
        }

        offsets.Add(at);
        return (copy.ToString(), [.. offsets]);
    }

    private static char Kind(UnicodeCategory category) =>
        category switch
        {
            UnicodeCategory.UppercaseLetter
            or UnicodeCategory.LowercaseLetter
            or UnicodeCategory.TitlecaseLetter
            or UnicodeCategory.ModifierLetter
            or UnicodeCategory.OtherLetter => '\u4E00',
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber =>
                '\u0660',
            _ => '\u2603',
        };
}
