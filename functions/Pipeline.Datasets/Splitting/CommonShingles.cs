namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Shingles that stand in a fifth of the texts or more, such as an instruction that all share: they tell nothing of a pair.
/// Counted over evenly spread texts, 20,000 at least where there are as many; the same text counts once.
/// </summary>
public sealed class CommonShingles
{
    private const int Sampled = 20_000;
    private const int Fewest = 20;
    private readonly List<(long At, ulong[] Shingles)> _sample = [];
    private long _texts;
    private long _step = 1;

    /// <summary>Whether the next text would be looked at; where not, <see cref="Pass"/> it over.</summary>
    public bool Wants => _texts % _step == 0;

    /// <summary>Takes up the next text.</summary>
    public void Add(string text)
    {
        _sample.Add((_texts, [.. Shingles.Of(text).Distinct()]));
        Pass();
        if (_sample.Count == 2 * Sampled)
        {
            _step *= 2;
            _sample.RemoveAll(s => s.At % _step != 0);
        }
    }

    /// <summary>Counts a text without looking at it.</summary>
    public void Pass() => _texts++;

    /// <summary>The shingles, in order.</summary>
    public ulong[] Found()
    {
        var counts = new Dictionary<ulong, int>();
        List<ulong[]> texts = [.. _sample.Select(s => s.Shingles).DistinctBy(s => (s.Length, s.Aggregate(0UL, (hash, one) => hash + (one * 0x9E3779B97F4A7C15))))];
        foreach (ulong shingle in texts.SelectMany(t => t))
        {
            counts[shingle] = counts.GetValueOrDefault(shingle) + 1;
        }

        return [.. counts.Where(c => c.Value >= Fewest && c.Value * 5 >= texts.Count).Select(c => c.Key).Order()];
    }
}
