using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Takes out what would be learned and asked as well. Each time it clusters what is left anew, until nothing more goes: the audit
/// sees only that, and what has gone may have joined others.
/// </summary>
internal static class RepeatedRows
{
    /// <summary>Takes out rows that nearly repeat a test row, or where that is asked an earlier row, and clusters the rest.</summary>
    /// <param name="testRows">A test set of its own; it stays whole.</param>
    /// <param name="rows">Rows to divide.</param>
    /// <param name="drop">Whether of near-duplicates only the first stays.</param>
    /// <param name="rejected">Takes up what goes, with its reason.</param>
    /// <returns>The rows that stay, for each the index of the first of its cluster, and the counts.</returns>
    public static (List<Example> Rows, int[] Clusters, NearDuplicateCounts Counts) TakeOut(List<Example> testRows, List<Example> rows, bool drop, List<RejectedRow> rejected)
    {
        while (true)
        {
            List<Example> all = [.. testRows, .. rows];
            int[] first = NearDuplicates.Cluster([.. all.Select(Asked)]);
            bool Goes(int i) => i >= testRows.Count && (first[i] < testRows.Count || (drop && first[i] != i));
            List<int> gone = [.. Enumerable.Range(0, all.Count).Where(Goes)];
            if (gone.Count == 0)
            {
                int[] clusters = [.. first.Skip(testRows.Count).Select(f => f - testRows.Count)];
                return (rows, clusters, Count(rows, clusters));
            }

            rejected.AddRange(gone.Select(i => Rejection(all[i], all[first[i]], first[i] < testRows.Count)));
            rows = [.. all.Where((_, i) => i >= testRows.Count && !Goes(i))];
        }
    }

    /// <summary>Leaves held-out pieces of texts away that nearly repeat a piece to learn, such as a heading that many texts share.</summary>
    public static (IReadOnlyList<Example> Validation, IReadOnlyList<Example> Test) WithoutLearned(
        IReadOnlyList<Example> train, IReadOnlyList<Example> validation, IReadOnlyList<Example> test, ReadingNotes notes)
    {
        (HashSet<Example> kept, int before) = ([.. validation, .. test], validation.Count + test.Count);
        while (true)
        {
            List<Example> held = [.. validation.Concat(test).Where(kept.Contains)];
            int[] first = NearDuplicates.Cluster([.. train.Concat(held).Select(Asked)]);
            HashSet<int> learned = [.. first.Take(train.Count)];
            if (held.Where((_, i) => learned.Contains(first[train.Count + i])).ToList() is not { Count: > 0 } gone)
            {
                break;
            }

            kept.ExceptWith(gone);
        }

        if (kept.Count < before)
        {
            notes.Say($"{before - kept.Count} held-out pieces nearly repeat a piece to learn and are asked of no model.");
        }

        return ([.. validation.Where(kept.Contains)], [.. test.Where(kept.Contains)]);
    }

    /// <summary>What is asked, without the system's text and the answer; a plain text as a whole.</summary>
    public static string Asked(Example example) => string.Join(
        '\n', example.Messages.Where((m, i) => m.Role is ChatMessage.Document or ChatMessage.Excerpt || (m.Role != ChatMessage.System && i < example.Messages.Count - 1)).Select(m => m.Content));

    private static NearDuplicateCounts Count(List<Example> rows, int[] clusters)
    {
        List<List<Example>> several = [.. rows.Zip(clusters).GroupBy(r => r.Second, r => r.First).Select(g => g.ToList()).Where(g => g.Count > 1)];
        return new NearDuplicateCounts(
            several.Count, several.Sum(g => g.Count), several.Select(g => g.Count).DefaultIfEmpty().Max(), several.Count(g => g.Select(r => r.Label).Distinct(StringComparer.Ordinal).Count() > 1));
    }

    private static RejectedRow Rejection(Example row, Example like, bool ofTestSet)
    {
        string other = like.Label is { } label && label != row.Label ? $", which says '{label}'" : "";
        return new RejectedRow(
            row.Id, RejectedRow.Duplicate, RejectionReason.NearDuplicate, $"nearly the same as {like.Id}{(ofTestSet ? " of the test set" : "")}{other}", like.Id, row.Source,
            new Dictionary<string, string> { ["text"] = Asked(row), ["answer"] = row.Messages[^1].Content });
    }
}
