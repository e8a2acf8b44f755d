namespace Pipeline.Registry.Agreement;

/// <summary>
/// How far several people agree on labels beyond chance: 1 is full agreement, 0 what chance gives, below 0 less.
/// </summary>
public static class AgreementStatistics
{
    /// <summary>
    /// Cohen's kappa of two reviewers. Source: Cohen 1960, "A coefficient of agreement for nominal scales", formula 1.
    /// </summary>
    /// <param name="pairs">Their labels of the items that both have labelled.</param>
    /// <returns><c>null</c>: no items, or both used one and the same label only.</returns>
    public static double? Cohen(IReadOnlyList<(string First, string Second)> pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (pairs.Count == 0)
        {
            return null;
        }

        double n = pairs.Count;
        double observed = pairs.Count(p => p.First == p.Second) / n;
        double expected = pairs
            .SelectMany(p => (string[])[p.First, p.Second])
            .Distinct(StringComparer.Ordinal)
            .Sum(label => pairs.Count(p => p.First == label) / n * (pairs.Count(p => p.Second == label) / n));
        return Beyond(observed, expected);
    }

    /// <summary>
    /// Fleiss' kappa of items with the same number of labels each. Source: Fleiss 1971, "Measuring nominal scale
    /// agreement among many raters", formulas 1 to 7; where items differ in that number, each item's agreement is of
    /// its own pairs, and the shares of the labels are of all.
    /// </summary>
    /// <param name="items">Labels of each item; items with fewer than two are left out.</param>
    /// <returns><c>null</c>: no item has two labels, or only one label was used.</returns>
    public static double? Fleiss(IReadOnlyList<IReadOnlyList<string>> items)
    {
        List<IReadOnlyList<string>> rated = Rated(items);
        if (rated.Count == 0)
        {
            return null;
        }

        double observed = rated.Average(labels =>
            labels.CountBy(l => l, StringComparer.Ordinal).Sum(c => (double)c.Value * (c.Value - 1))
            / ((double)labels.Count * (labels.Count - 1))
        );
        double all = rated.Sum(labels => labels.Count);
        double expected = rated
            .SelectMany(labels => labels)
            .CountBy(l => l, StringComparer.Ordinal)
            .Sum(c => c.Value / all * (c.Value / all));
        return Beyond(observed, expected);
    }

    /// <summary>
    /// Krippendorff's alpha for nominal labels, any number of reviewers, missing labels allowed. Source: Krippendorff
    /// 2011, "Computing Krippendorff's alpha-reliability", section C: coincidences of values.
    /// </summary>
    /// <param name="items">Labels of each item; items with fewer than two are left out.</param>
    /// <returns><c>null</c>: no item has two labels, or only one label was used.</returns>
    public static double? Krippendorff(IReadOnlyList<IReadOnlyList<string>> items)
    {
        List<IReadOnlyList<string>> rated = Rated(items);
        double all = rated.Sum(labels => labels.Count);
        if (rated.Count == 0)
        {
            return null;
        }

        double agreeing = rated.Sum(labels =>
            labels.CountBy(l => l, StringComparer.Ordinal).Sum(c => (double)c.Value * (c.Value - 1))
            / (labels.Count - 1)
        );
        double byChance = rated
            .SelectMany(labels => labels)
            .CountBy(l => l, StringComparer.Ordinal)
            .Sum(c => (double)c.Value * (c.Value - 1));
        return Beyond(agreeing / all, byChance / (all * (all - 1)));
    }

    private static double? Beyond(double observed, double expected) =>
        expected >= 1 ? null : (observed - expected) / (1 - expected);

    private static List<IReadOnlyList<string>> Rated(IReadOnlyList<IReadOnlyList<string>> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return [.. items.Where(labels => labels.Count > 1)];
    }
}
