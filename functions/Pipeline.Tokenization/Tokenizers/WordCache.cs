using System.Collections.Concurrent;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>Words and their ids: most words of a text have been met before.</summary>
internal sealed class WordCache
{
    private const int MaxWordsKept = 100_000;
    private const int LongestWordKept = 64;
    private readonly ConcurrentDictionary<string, int[]> _words = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private int _kept;

    public WordCache() => _lookup = _words.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>A word's ids.</summary>
    /// <param name="word">The word.</param>
    /// <param name="encode">Encodes one that is not known yet.</param>
    public int[] Encode(ReadOnlySpan<char> word, Func<string, int[]> encode)
    {
        if (_lookup.TryGetValue(word, out int[]? known))
        {
            return known;
        }

        string text = word.ToString();
        int[] ids = encode(text);
        if (text.Length <= LongestWordKept && _kept < MaxWordsKept && _words.TryAdd(text, ids))
        {
            Interlocked.Increment(ref _kept);
        }

        return ids;
    }
}
