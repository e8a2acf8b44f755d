namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Shingles that stand in a fifth of the texts or more, such as an instruction that all share: they tell nothing of a
/// pair. Counted over evenly spread texts, 20,000 at least where there are as many, fewer where they are long, so that
/// memory does not grow with them; the same text counts once.
/// </summary>
public sealed class CommonShingles
{
    private const int Sampled = 20_000;
    private const int Fewest = 20;
    private const long MaxShingles = 1 << 22; // of all texts that are held, 32 MiB
    private readonly List<(long At, ulong[] Shingles)> _sample = [];
    private long _texts;
    private long _step = 1;
    private long _held;

    /// <summary>Whether the next text would be looked at; where not, <see cref="Skip"/> it over.</summary>
    public bool WantsNext => _texts % _step == 0;

    /// <summary>Takes up the next text.</summary>
    public void Add(string text)
    {
        _sample.Add((_texts, [.. Shingles.From(text).Distinct()]));
        _held += _sample[^1].Shingles.Length;
        Skip();
        while (_sample.Count > 1 && (_sample.Count == 2 * Sampled || _held > MaxShingles))
        {
            _step *= 2;
            _sample.RemoveAll(s => s.At % _step != 0);
            _held = _sample.Sum(s => (long)s.Shingles.Length);
        }
    }

    /// <summary>Counts a text without looking at it.</summary>
    public void Skip() => _texts++;

    /// <summary>The shingles, in order.</summary>
    public ulong[] Found()
    {
        List<ulong[]> texts =
        [
            .. _sample
                .Select(s => s.Shingles)
                .DistinctBy(s => (s.Length, s.Aggregate(0UL, (hash, one) => hash + (one * 0x9E3779B97F4A7C15)))),
        ];
        ulong[] all = [.. texts.SelectMany(t => t)];
        Array.Sort(all); // a table of counts would take ten times the memory
        List<ulong> found = [];
        for (int at = 0, next; at < all.Length; at = next)
        {
            for (next = at + 1; next < all.Length && all[next] == all[at]; next++)
            {
                // the same one
            }

            if (next - at >= Fewest && (next - at) * 5L >= texts.Count)
            {
                found.Add(all[at]);
            }
        }

        return [.. found];
    }
}
