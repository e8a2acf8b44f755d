namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// Merges neighbouring symbols, the lowest rank first and the leftmost on ties, with a heap and a linked list:
/// n log n in the length of the text.
/// </summary>
internal sealed class PairMerger
{
    private readonly Dictionary<long, (int Rank, int Merged)> _merges;

    private PairMerger(Dictionary<long, (int Rank, int Merged)> merges)
    {
        _merges = merges;
    }

    /// <summary>From merges in the order of their rank.</summary>
    /// <exception cref="KeyNotFoundException">A merge names a piece that is not in the vocabulary.</exception>
    public static PairMerger FromList(Dictionary<string, int> ids, List<(string Left, string Right)> merges)
    {
        var ranks = new Dictionary<long, (int, int)>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            ranks[Key(ids[left], ids[right])] = (rank, ids[left + right]); // the last one counts, as in the reference
        }

        return new PairMerger(ranks);
    }

    /// <summary>
    /// From pieces with scores: any two pieces whose text together is a piece may merge, the highest score first.
    /// </summary>
    /// <param name="ids">Pieces that take part.</param>
    /// <param name="scores">By id.</param>
    public static PairMerger FromScores(Dictionary<string, int> ids, IReadOnlyList<float> scores)
    {
        float[] distinct = [.. ids.Values.Select(id => scores[id]).Distinct().OrderDescending()];
        Dictionary<float, int> rankOf = distinct.Index().ToDictionary(d => d.Item, d => d.Index);
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = ids.GetAlternateLookup<
            ReadOnlySpan<char>
        >();
        var ranks = new Dictionary<long, (int, int)>();
        foreach ((string piece, int id) in ids)
        {
            for (int split = 1; split < piece.Length; split++)
            {
                if (
                    lookup.TryGetValue(piece.AsSpan(0, split), out int left)
                    && lookup.TryGetValue(piece.AsSpan(split), out int right)
                )
                {
                    ranks[Key(left, right)] = (rankOf[scores[id]], id);
                }
            }
        }

        return new PairMerger(ranks);
    }

    /// <summary>What merges give.</summary>
    public IEnumerable<int> Merged => _merges.Values.Select(m => m.Merged).Distinct();

    public int[] Merge(List<int> symbols)
    {
        int count = symbols.Count;
        if (count < 2)
        {
            return [.. symbols];
        }

        int[] id = [.. symbols];
        var next = new int[count];
        var previous = new int[count];
        var queue = new PriorityQueue<(int Position, int Left, int Right, int Merged), (int Rank, int Position)>();
        for (int i = 0; i < count; i++)
        {
            (next[i], previous[i]) = (i + 1, i - 1);
            Enqueue(queue, id, i, i + 1);
        }

        while (queue.TryDequeue(out (int Position, int Left, int Right, int Merged) pair, out _))
        {
            int left = pair.Position;
            int right = next[left];
            if (id[left] != pair.Left || right >= count || id[right] != pair.Right)
            {
                continue; // one side has been merged away since
            }

            id[left] = pair.Merged;
            id[right] = -1;
            next[left] = next[right];
            if (next[left] < count)
            {
                previous[next[left]] = left;
            }

            Enqueue(queue, id, left, next[left]);
            if (previous[left] >= 0)
            {
                Enqueue(queue, id, previous[left], left);
            }
        }

        return Array.FindAll(id, i => i >= 0);
    }

    private void Enqueue(PriorityQueue<(int, int, int, int), (int, int)> queue, int[] id, int left, int right)
    {
        if (right < id.Length && _merges.TryGetValue(Key(id[left], id[right]), out (int Rank, int Merged) merge))
        {
            queue.Enqueue((left, id[left], id[right], merge.Merged), (merge.Rank, left));
        }
    }

    private static long Key(int left, int right) => ((long)left << 32) | (uint)right;
}
