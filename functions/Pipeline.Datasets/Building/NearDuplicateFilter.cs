using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Building;

/// <summary>
/// Rejects rows that nearly repeat a held-out row, or where <c>validation.nearDuplicates</c> says drop any earlier row.
/// Each step clusters anew what is left, until nothing more goes: what has gone may have joined others.
/// </summary>
/// <param name="rows">The rows of all parts.</param>
/// <param name="drop">Whether near-duplicates of learned rows go too.</param>
internal sealed class NearDuplicateFilter(PartRows rows, bool drop)
{
    /// <summary>Rejects rows of a kind that nearly repeat a held-out row or, with drop, an earlier row.</summary>
    /// <param name="kind">Dropped rows, or those of the validation set.</param>
    /// <param name="tests">Held-out rows, by their indices among the accepted ones.</param>
    /// <returns>The rows that are left, and for each the index, among them, of the first of its cluster.</returns>
    public (List<int> Left, int[] Clusters) Filter(RowKind kind, List<int> tests)
    {
        List<int> left = rows.OfKind(kind);
        while (true)
        {
            List<int> all = [.. tests, .. left];
            int[] first = rows.Cluster(all.Select(i => rows.Accepted[i].Line));
            bool Goes(int i) => i >= tests.Count && (first[i] < tests.Count || (drop && first[i] != i));
            List<int> gone = [.. Enumerable.Range(0, all.Count).Where(Goes)];
            if (gone.Count == 0)
            {
                int[] clusters = [.. first.Skip(tests.Count).Select(f => f - tests.Count)];
                return (left, clusters);
            }

            foreach (int i in gone)
            {
                rows.RejectNear(all[i], all[first[i]]);
            }

            left = [.. all.Where((_, i) => i >= tests.Count && !Goes(i))];
        }
    }

    /// <summary>
    /// Rejects rows that are only learned from, synthetic ones and corrections by nobody with a key, and that nearly
    /// repeat a held-out row or, with drop, each other or a learned row.
    /// </summary>
    /// <param name="lines">The lines of people's rows, with their side of the split.</param>
    /// <param name="guards">Rows of the guard set, by their indices among the accepted ones.</param>
    /// <returns>Those of them that are learned from, by their indices among the accepted ones.</returns>
    public List<int> FilterLearned(List<SplitLine> lines, List<int> guards)
    {
        List<int> left = [.. rows.OfKind(RowKind.Unnamed), .. rows.OfKind(RowKind.Synthetic)];
        if (left.Count == 0)
        {
            return left;
        }

        List<int> human =
        [
            .. guards,
            .. rows.OfKind(RowKind.TestSet),
            .. rows.OfKind(RowKind.ValidationSet),
            .. rows.OfKind(RowKind.Dropped),
        ];
        Dictionary<int, int> rowOf = human.ToDictionary(i => rows.Accepted[i].Line.Signature); // of a signature
        while (left.Count > 0)
        {
            // Held-out lines come first: where one is in a cluster it is the first of it.
            List<SplitLine> all =
            [
                .. guards.Select(i => new SplitLine(rows.Accepted[i].Line, Split.Test)),
                .. lines.Where(l => l.Split != Split.Train),
                .. lines.Where(l => l.Split == Split.Train),
                .. left.Select(i => new SplitLine(rows.Accepted[i].Line, Split.Train)),
            ];
            int[] first = rows.Cluster(all.Select(l => l.Line));
            int from = all.Count - left.Count;
            bool Goes(int i) => all[first[i]].Split != Split.Train || (drop && first[i] != i);
            List<int> gone = [.. Enumerable.Range(from, left.Count).Where(Goes)];
            if (gone.Count == 0)
            {
                break;
            }

            foreach (int i in gone)
            {
                int like = first[i] >= from ? left[first[i] - from] : rowOf[all[first[i]].Line.Signature];
                rows.RejectNear(left[i - from], like);
            }

            left = [.. left.Where((_, i) => !Goes(from + i))];
        }

        return left;
    }

    /// <summary>
    /// Takes out held-out pieces of plain texts that nearly repeat a piece to learn, such as a heading.
    /// </summary>
    public List<SplitLine> FilterPieces(List<SplitLine> pieces)
    {
        while (true)
        {
            HashSet<int> gone = Leaks(pieces, validationToo: true);
            if (gone.Count == 0)
            {
                return pieces;
            }

            pieces = [.. pieces.Where((_, i) => !gone.Contains(i))];
        }
    }

    /// <summary>Held-out lines that are nearly the same as one to learn, by their indices.</summary>
    public HashSet<int> Leaks(List<SplitLine> lines, bool validationToo)
    {
        int[] first = rows.Cluster(lines.Select(l => l.Line));
        HashSet<int> learned =
        [
            .. Enumerable.Range(0, first.Length).Where(i => lines[i].Split == Split.Train).Select(i => first[i]),
        ];
        return
        [
            .. Enumerable
                .Range(0, first.Length)
                .Where(i =>
                    (lines[i].Split == Split.Test || (validationToo && lines[i].Split == Split.Validation))
                    && learned.Contains(first[i])
                ),
        ];
    }
}

/// <summary>A line of the dataset and its side of the split.</summary>
internal readonly record struct SplitLine(RowLine Line, Split Split);
