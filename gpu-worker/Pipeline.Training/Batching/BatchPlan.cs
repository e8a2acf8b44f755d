namespace Pipeline.Training.Batching;

/// <summary>
/// Which rows make up which micro-batch: every row once an epoch, rows of like length together, in an order that the
/// seed alone decides.
/// </summary>
public static class BatchPlan
{
    /// <summary>
    /// Batches whose rows are sorted by length among themselves; larger saves padding, smaller mixes better.
    /// </summary>
    private const int BatchesSortedTogether = 16;

    /// <summary>The micro-batches of one epoch, each a list of indices into the rows.</summary>
    /// <param name="lengths">Tokens a row.</param>
    /// <param name="batchSize">Rows a micro-batch; the last one may be smaller.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">0 for the first; each has an order of its own.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Epoch(
        IReadOnlyList<int> lengths,
        int batchSize,
        int seed,
        int epoch
    )
    {
        ArgumentNullException.ThrowIfNull(lengths);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        return Mixed(lengths, batchSize, seed, epoch, sorted => sorted.Chunk(batchSize));
    }

    /// <summary>The same with micro-batches of as many rows as fit into a number of tokens.</summary>
    /// <param name="lengths">Tokens a row; none above <paramref name="tokens"/>.</param>
    /// <param name="tokens">Tokens a micro-batch at most.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">0 for the first; each has an order of its own.</param>
    public static IReadOnlyList<IReadOnlyList<int>> PackedEpoch(
        IReadOnlyList<int> lengths,
        int tokens,
        int seed,
        int epoch
    )
    {
        ArgumentNullException.ThrowIfNull(lengths);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokens, lengths.Count == 0 ? 1 : lengths.Max());
        int typical = (int)Math.Max(1, tokens / Math.Max(1, lengths.Count == 0 ? 1 : lengths.Average()));
        return Mixed(lengths, typical, seed, epoch, sorted => Fill(sorted, lengths, tokens));
    }

    private static int[][] Mixed(
        IReadOnlyList<int> lengths,
        int rowsABatch,
        int seed,
        int epoch,
        Func<IEnumerable<int>, IEnumerable<int[]>> divide
    )
    {
        var random = new Random(HashCode(seed, epoch));
        int[] order = [.. Enumerable.Range(0, lengths.Count)];
        random.Shuffle(order);
        int[][] mixed =
        [
            .. order
                .Chunk(rowsABatch * BatchesSortedTogether)
                .SelectMany(chunk => divide(chunk.OrderBy(i => lengths[i]).ThenBy(i => i))),
        ];
        random.Shuffle(mixed);
        return mixed;
    }

    private static IEnumerable<int[]> Fill(IEnumerable<int> rows, IReadOnlyList<int> lengths, int tokens)
    {
        var batch = new List<int>();
        int held = 0;
        foreach (int row in rows)
        {
            if (held + lengths[row] > tokens)
            {
                yield return [.. batch];
                batch.Clear();
                held = 0;
            }

            batch.Add(row);
            held += lengths[row];
        }

        yield return [.. batch];
    }

    /// <summary>A seed of the pair that is the same in every process, as System.HashCode is not.</summary>
    private static int HashCode(int seed, int epoch) => unchecked((seed * 1_000_003) + (epoch * 7_919) + 17);
}
