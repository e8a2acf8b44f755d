using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Divides rows label by label, a cluster of near-duplicates never across a border. The order within a label is that of
/// a hash of seed and text, so a row keeps its place in the order when others come or go.
/// </summary>
public static class StratifiedSplit
{
    /// <summary>A row's place in the order: a hash of seed and text.</summary>
    public static ulong OrderOf(int seed, string text) =>
        ulong.Parse(
            ContentHash.ShortOf(seed.ToString(CultureInfo.InvariantCulture), text),
            NumberStyles.HexNumber,
            CultureInfo.InvariantCulture
        );

    /// <summary>Divides the rows.</summary>
    /// <param name="rows">Accepted rows.</param>
    /// <param name="clusters">For each row the index of the first of its cluster.</param>
    /// <param name="validation">Share for validation, 0 to 0.5.</param>
    /// <param name="test">Share for test, 0 to 0.5; a label with at least three rows gets at least one test row when
    /// this is above 0, unless they are all of one cluster.</param>
    /// <returns>For each row where it goes.</returns>
    public static Split[] Divide(
        IReadOnlyList<SplitRow> rows,
        IReadOnlyList<int> clusters,
        double validation,
        double test
    )
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(clusters);
        var place = new Split[rows.Count];
        List<int[]> groups = [.. Enumerable.Range(0, rows.Count).GroupBy(i => clusters[i]).Select(g => g.ToArray())];
        foreach (IGrouping<int, int[]> label in groups.GroupBy(g => rows[g[0]].Label))
        {
            int Size(int[] group) => (int)Math.Min(int.MaxValue / 4, group.Sum(i => (long)rows[i].Size));
            int all = (int)Math.Min(int.MaxValue / 2, label.Sum(g => (long)Size(g)));
            int left = label.Count();
            bool several = left > 1;
            int testRows = Share(all, test);
            int validationRows = Math.Min(Share(all, validation), Math.Max(0, all - testRows - 1));
            (int tested, int validated, int trained) = (0, 0, 0);
            foreach (int[] group in label.OrderBy(g => g.Min(i => rows[i].Order)).ThenBy(g => g[0]))
            {
                // One that would go far beyond the share trains,
                // and so does the last one where nothing trains yet.
                bool needed = left-- == 1 && trained == 0 && several;
                Split to =
                    needed ? Split.Train
                    : tested < testRows && Fits(tested, Size(group), testRows) ? Split.Test
                    : validated < validationRows && Fits(validated, Size(group), validationRows) ? Split.Validation
                    : Split.Train;
                Array.ForEach(group, i => place[i] = to);
                tested += to == Split.Test ? Size(group) : 0;
                validated += to == Split.Validation ? Size(group) : 0;
                trained += to == Split.Train ? Size(group) : 0;
            }
        }

        return place;
    }

    private static bool Fits(int taken, int group, int share) => taken + group <= share + Math.Max(1, share / 4);

    private static int Share(int rows, double fraction)
    {
        int share = (int)Math.Round(rows * fraction, MidpointRounding.AwayFromZero);
        return fraction > 0 && rows >= 3 ? Math.Max(1, share) : share;
    }
}

/// <summary>What a split goes by.</summary>
/// <param name="Label">The label's number; -1 without labels.</param>
/// <param name="Order">Of <see cref="StratifiedSplit.OrderOf"/>.</param>
/// <param name="Size">What it counts for: 1, and of plain texts, which differ in length, their length.</param>
public readonly record struct SplitRow(int Label, ulong Order, int Size);

/// <summary>Where a row goes.</summary>
public enum Split : byte
{
    /// <summary>To learn from.</summary>
    Train,

    /// <summary>To watch the loss on.</summary>
    Validation,

    /// <summary>Held out.</summary>
    Test,
}
