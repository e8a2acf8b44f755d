using System.Globalization;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Divides examples label by label, a cluster of near-duplicates never across a border. The order within a label is that of a
/// hash of seed and text, so a row keeps its place in the order when others come or go.
/// </summary>
public static class StratifiedSplit
{
    /// <summary>Divides the examples; each split keeps the order in which rows were read.</summary>
    /// <param name="examples">Accepted rows.</param>
    /// <param name="clusters">For each example the index of the first of its cluster.</param>
    /// <param name="validation">Share for validation, 0 to 0.5.</param>
    /// <param name="test">Share for test, 0 to 0.5; a label with at least three rows gets at least one test row when this is above 0, unless they are all of one cluster.</param>
    /// <param name="seed">Another seed gives another split.</param>
    /// <param name="sizes">What each example counts for; <c>null</c>: one. Texts of very different length count by their length.</param>
    public static (IReadOnlyList<Example> Train, IReadOnlyList<Example> Validation, IReadOnlyList<Example> Test) Divide(
        IReadOnlyList<Example> examples, IReadOnlyList<int> clusters, double validation, double test, int seed, IReadOnlyList<int>? sizes = null)
    {
        ArgumentNullException.ThrowIfNull(examples);
        ArgumentNullException.ThrowIfNull(clusters);
        var place = new int[examples.Count]; // 1 validation, 2 test
        string salt = seed.ToString(CultureInfo.InvariantCulture);
        string Order(int example) => ContentHash.ShortOf(salt, examples[example].Text);
        List<int[]> groups = [.. Enumerable.Range(0, examples.Count).GroupBy(i => clusters[i]).Select(g => g.ToArray())];
        foreach (IGrouping<string, int[]> label in groups.GroupBy(g => examples[g[0]].Label ?? "", StringComparer.Ordinal))
        {
            int Size(int[] group) => sizes is null ? group.Length : (int)Math.Min(int.MaxValue / 4, group.Sum(i => (long)sizes[i]));
            int rows = (int)Math.Min(int.MaxValue / 2, label.Sum(g => (long)Size(g)));
            int left = label.Count();
            int testRows = Share(rows, test);
            int validationRows = Math.Min(Share(rows, validation), Math.Max(0, rows - testRows - 1));
            (int tested, int validated, int trained) = (0, 0, 0);
            foreach (int[] group in label.OrderBy(g => g.Min(Order), StringComparer.Ordinal).ThenBy(g => examples[g[0]].Id, StringComparer.Ordinal))
            {
                // One that would go far beyond the share trains,
                // and so does the last one where nothing trains yet.
                bool needed = left-- == 1 && trained == 0 && label.Count() > 1;
                int to = needed ? 0 : tested < testRows && Fits(tested, Size(group), testRows) ? 2 : validated < validationRows && Fits(validated, Size(group), validationRows) ? 1 : 0;
                Array.ForEach(group, i => place[i] = to);
                tested += to == 2 ? Size(group) : 0;
                validated += to == 1 ? Size(group) : 0;
                trained += to == 0 ? Size(group) : 0;
            }
        }

        List<Example> Of(int split) => [.. examples.Where((_, i) => place[i] == split)];
        return (Of(0), Of(1), Of(2));
    }

    private static bool Fits(int taken, int group, int share) => taken + group <= share + Math.Max(1, share / 4);

    private static int Share(int rows, double fraction)
    {
        int share = (int)Math.Round(rows * fraction, MidpointRounding.AwayFromZero);
        return fraction > 0 && rows >= 3 ? Math.Max(1, share) : share;
    }
}
