namespace Pipeline.Reporting.Baselines;

/// <summary>
/// In which order texts without labels are best labelled. First for variety: each next text is the one that brings all
/// texts nearest to one that was chosen. Then the same with texts weighted by how unsure a linear model is of them.
/// Source: Wei, Iyer and Bilmes 2015, "Submodularity in data subset selection and active learning", section 3 (facility
/// location; they choose among the least sure, here these weigh more: EXPERIMENTS.md). How alike two texts are is the
/// cosine of their words' TF-IDF.
/// </summary>
public static class LearningOrder
{
    /// <summary>For variety.</summary>
    /// <param name="texts">The texts to order.</param>
    /// <param name="known">Texts that are labelled already.</param>
    /// <param name="count">How many of the order are needed.</param>
    /// <returns>Indices of <paramref name="texts"/>, at most <paramref name="count"/>.</returns>
    public static IReadOnlyList<int> ByVariety(IReadOnlyList<string> texts, IReadOnlyList<string> known, int count)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(known);
        return new TextCoverage([.. texts, .. known], texts.Count, null).Choose(count);
    }

    /// <summary>By what a model is least sure of, with variety.</summary>
    /// <param name="texts">The texts to order.</param>
    /// <param name="known">Texts that are labelled already.</param>
    /// <param name="count">How many of the order are needed.</param>
    /// <param name="margins">For each text the probability of its likeliest label less that of the second, 0 to
    /// 1.</param>
    /// <returns>Indices of <paramref name="texts"/>, at most <paramref name="count"/>.</returns>
    public static IReadOnlyList<int> ByMargin(
        IReadOnlyList<string> texts,
        IReadOnlyList<string> known,
        int count,
        IReadOnlyList<double> margins
    )
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(known);
        ArgumentNullException.ThrowIfNull(margins);
        float[] unsure =
        [
            .. Enumerable.Range(0, texts.Count + known.Count).Select(i => i < texts.Count ? 1 - (float)margins[i] : 1),
        ];
        return new TextCoverage([.. texts, .. known], texts.Count, unsure).Choose(count);
    }

    /// <summary>The likeliest label's probability less that of the second.</summary>
    public static double Margin(IReadOnlyList<float> probabilities)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        (float first, float second) = (0, 0);
        foreach (float p in probabilities)
        {
            (first, second) = p > first ? (p, first) : (first, Math.Max(second, p));
        }

        return first - second;
    }
}
