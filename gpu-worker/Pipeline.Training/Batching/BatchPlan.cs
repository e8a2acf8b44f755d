namespace Pipeline.Training.Batching;

/// <summary>Which rows make up which micro-batch: every row once an epoch, rows of like length together, in an order that the seed alone decides.</summary>
public static class BatchPlan
{
    /// <summary>Batches whose rows are sorted by length among themselves; larger saves padding, smaller mixes better.</summary>
    private const int BatchesSortedTogether = 16;

    /// <summary>The micro-batches of one epoch, each a list of indices into the rows.</summary>
    /// <param name="lengths">Tokens a row.</param>
    /// <param name="batchSize">Rows a micro-batch; the last one may be smaller.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">0 for the first; each has an order of its own.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Epoch(IReadOnlyList<int> lengths, int batchSize, int seed, int epoch)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        var random = new Random(HashCode(seed, epoch));
        int[] order = [.. Enumerable.Range(0, lengths.Count)];
        random.Shuffle(order);
        List<int[]> batches = [.. order.Chunk(batchSize * BatchesSortedTogether)
            .SelectMany(chunk => chunk.OrderBy(i => lengths[i]).ThenBy(i => i).Chunk(batchSize))];
        int[][] mixed = [.. batches];
        random.Shuffle(mixed);
        return mixed;
    }

    /// <summary>A seed of the pair that is the same in every process, as System.HashCode is not.</summary>
    private static int HashCode(int seed, int epoch) => unchecked((seed * 1_000_003) + (epoch * 7_919) + 17);
}
