using Pipeline.Contracts;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Auditing;

/// <summary>Whether each label can be learned and asked, and stands for the same texts everywhere.</summary>
internal sealed class LabelAudit
{
    private readonly SortedDictionary<string, RowLengths> _learned = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int[]> _rows = new(StringComparer.Ordinal); // of a label, by split

    /// <summary>Takes up a row with a label.</summary>
    public void Add(Split split, string label, RowMeasure measure)
    {
        if (!_rows.TryGetValue(label, out int[]? rows))
        {
            _rows[label] = rows = new int[3];
        }

        rows[(int)split]++;
        if (split == Split.Train)
        {
            (_learned.TryGetValue(label, out RowLengths? lengths) ? lengths : _learned[label] = new RowLengths()).Add(
                measure
            );
        }
    }

    /// <summary>The training rows of each label that has some.</summary>
    public SortedDictionary<string, TokenCounts> TrainingTokens() =>
        new(_learned.ToDictionary(l => l.Key, l => l.Value.Counts()), StringComparer.Ordinal);

    /// <summary>What was found, after all rows were added; nothing, where no row has a label.</summary>
    /// <param name="conflicting">Clusters of nearly the same texts that bear different labels.</param>
    /// <param name="conflicts">The first of them.</param>
    public IEnumerable<AuditCheck> Checks(int conflicting, IReadOnlyList<LabelConflict> conflicts)
    {
        if (_rows.Count == 0)
        {
            yield break;
        }

        string[] unlearned = [.. _rows.Where(l => l.Value[(int)Split.Train] == 0).Select(l => l.Key)];
        yield return new AuditCheck(
            "labels that are held out and never learned",
            unlearned.Length > 0 ? AuditLevel.Red : AuditLevel.Ok,
            unlearned.Length,
            FailingRows.Named(unlearned, unlearned.Length),
            unlearned.Length > 0 ? "give them training rows, or take them out of the test set" : ""
        );
        string[] untested = [.. _rows.Where(l => l.Value[(int)Split.Test] == 0).Select(l => l.Key)];
        yield return new AuditCheck(
            "labels without a held-out row",
            untested.Length > 0 ? AuditLevel.Warning : AuditLevel.Ok,
            untested.Length,
            FailingRows.Named(untested, untested.Length),
            untested.Length > 0 ? "nothing will be known of them; give them more rows" : ""
        );
        (int most, int fewest) = (_rows.Values.Max(l => l.Sum()), _rows.Values.Min(l => l.Sum()));
        bool uneven = most > 20 * fewest;
        yield return new AuditCheck(
            "balance of the labels",
            uneven ? AuditLevel.Warning : AuditLevel.Ok,
            most / fewest,
            $"the most frequent label has {most} rows, the rarest {fewest}",
            uneven ? "collect rows of the rare labels, or join labels" : ""
        );
        yield return conflicts.Count == 0
            ? new AuditCheck(
                "labels of nearly the same texts",
                AuditLevel.Ok,
                0,
                "no two texts that are nearly the same have different labels",
                ""
            )
            : new AuditCheck(
                "labels of nearly the same texts",
                AuditLevel.Warning,
                conflicting,
                $"for example {Quoted(conflicts[0].Texts)}",
                $"decide which is right, and correct the source; {BlobLayout.ConflictsFile} lists them all"
            );
    }

    private static string Quoted(IReadOnlyList<ConflictingRow> rows) =>
        string.Join(" and ", rows.DistinctBy(r => r.Label).Take(2).Select(r => $"{r.Id} as '{r.Label}'"));
}
