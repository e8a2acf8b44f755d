namespace Pipeline.Tokenization;

/// <summary>
/// Merges neighbouring symbols, the lowest rank first and the leftmost on ties, with a heap and a linked list:
/// n log n in the length of the text.
/// </summary>
internal sealed class PairMerger
{
    private readonly Dictionary<long, (int Rank, int Merged)> _merges;

    public PairMerger(Dictionary<string, int> ids, List<(string Left, string Right)> merges)
    {
        _merges = new Dictionary<long, (int, int)>(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            _merges.TryAdd(Key(ids[left], ids[right]), (rank, ids[left + right]));
        }
    }

    public int[] Merge(List<int> symbols)
    {
        int count = symbols.Count;
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
