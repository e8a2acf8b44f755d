namespace Pipeline.Datasets.Privacy.Measuring;

/// <summary>
/// How well spans are found, type by type, against annotations: a span counts as found when one of the same type
/// overlaps it.
/// </summary>
public sealed class PrivacyMeasure
{
    private readonly SortedDictionary<string, (int Gold, int Hit, int Found, int Right)> _types = new(
        StringComparer.Ordinal
    );

    /// <summary>
    /// By type: annotated spans, how many of them were found, spans found, how many of them are right.
    /// </summary>
    public IReadOnlyDictionary<string, (int Gold, int Hit, int Found, int Right)> Types => _types;

    /// <summary>Takes up a text.</summary>
    /// <param name="gold">As annotated.</param>
    /// <param name="found">As found.</param>
    public void Add(IReadOnlyList<PrivateSpan> gold, IReadOnlyList<PrivateSpan> found)
    {
        ArgumentNullException.ThrowIfNull(gold);
        ArgumentNullException.ThrowIfNull(found);
        foreach (PrivateSpan span in gold)
        {
            bool hit = found.Any(f => f.Type == span.Type && f.Overlaps(span));
            Change(span.Type, (t) => (t.Gold + 1, t.Hit + (hit ? 1 : 0), t.Found, t.Right));
        }

        foreach (PrivateSpan span in found)
        {
            bool right = gold.Any(g => g.Type == span.Type && g.Overlaps(span));
            Change(span.Type, (t) => (t.Gold, t.Hit, t.Found + 1, t.Right + (right ? 1 : 0)));
        }
    }

    private void Change(string type, Func<(int Gold, int Hit, int Found, int Right), (int, int, int, int)> change) =>
        _types[type] = change(_types.GetValueOrDefault(type));
}
