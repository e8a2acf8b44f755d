namespace Pipeline.Evaluation.Scoring;

/// <summary>Rows that are evaluated together: of like length, no more than a model's memory takes.</summary>
internal static class RowBatches
{
    /// <summary>Divides rows.</summary>
    /// <param name="lengths">Tokens of each row, what is written after it included.</param>
    /// <param name="mostRows">Rows at a time.</param>
    /// <param name="mostTokens">Places for tokens at a time, rows laid side by side; a row alone may take more.</param>
    /// <param name="joins">Whether a row may stand beside the shortest of a batch, given both lengths; <c>null</c>:
    /// always.</param>
    /// <returns>Indices of rows, the shortest first.</returns>
    public static IEnumerable<int[]> Create(
        IReadOnlyList<int> lengths,
        int mostRows,
        long mostTokens,
        Func<int, int, bool>? joins = null
    )
    {
        List<int> batch = [];
        foreach (int row in Enumerable.Range(0, lengths.Count).OrderBy(i => lengths[i]))
        {
            if (
                batch.Count > 0
                && (
                    batch.Count == mostRows
                    || (batch.Count + 1L) * lengths[row] > mostTokens
                    || joins?.Invoke(lengths[batch[0]], lengths[row]) == false
                )
            )
            {
                yield return [.. batch];
                batch.Clear();
            }

            batch.Add(row);
        }

        if (batch.Count > 0)
        {
            yield return [.. batch];
        }
    }
}
