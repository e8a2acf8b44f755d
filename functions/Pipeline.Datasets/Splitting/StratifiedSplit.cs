using Pipeline.Contracts;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Divides examples label by label. The order within a label is that of a hash of seed and text, so a row keeps its place
/// in the order when others come or go.
/// </summary>
public static class StratifiedSplit
{
    /// <summary>Divides the examples; each split keeps the order in which rows were read.</summary>
    /// <param name="examples">Accepted rows.</param>
    /// <param name="validation">Share for validation, 0 to 0.5.</param>
    /// <param name="test">Share for test, 0 to 0.5; a label with at least three rows gets at least one test row when this is above 0.</param>
    /// <param name="seed">Another seed gives another split.</param>
    public static (IReadOnlyList<Example> Train, IReadOnlyList<Example> Validation, IReadOnlyList<Example> Test) Divide(
        IReadOnlyList<Example> examples, double validation, double test, int seed)
    {
        ArgumentNullException.ThrowIfNull(examples);
        var place = new Dictionary<string, int>(StringComparer.Ordinal); // 1 validation, 2 test
        foreach (IGrouping<string?, Example> label in examples.GroupBy(e => e.Label))
        {
            List<Example> shuffled = [.. label.OrderBy(e => ContentHash.ShortOf(seed.ToString(System.Globalization.CultureInfo.InvariantCulture), e.Text), StringComparer.Ordinal).ThenBy(e => e.Id, StringComparer.Ordinal)];
            int testRows = Share(shuffled.Count, test);
            int validationRows = Math.Min(Share(shuffled.Count, validation), Math.Max(0, shuffled.Count - testRows - 1));
            for (int i = 0; i < testRows + validationRows; i++)
            {
                place[shuffled[i].Id] = i < testRows ? 2 : 1;
            }
        }

        List<Example> Of(int split) => [.. examples.Where(e => place.GetValueOrDefault(e.Id) == split)];
        return (Of(0), Of(1), Of(2));
    }

    private static int Share(int rows, double fraction)
    {
        int share = (int)Math.Round(rows * fraction, MidpointRounding.AwayFromZero);
        return fraction > 0 && rows >= 3 ? Math.Max(1, share) : share;
    }
}
