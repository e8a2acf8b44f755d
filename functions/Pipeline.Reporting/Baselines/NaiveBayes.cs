using System.Text.RegularExpressions;

namespace Pipeline.Reporting.Baselines;

/// <summary>
/// Multinomial naive Bayes on single words with add-one smoothing. Source: Manning, Raghavan and Schütze 2008, section
/// 13.2.
/// </summary>
public sealed partial class NaiveBayes
{
    private readonly Dictionary<string, Dictionary<string, int>> _counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _words = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _rows = new(StringComparer.Ordinal);
    private readonly HashSet<string> _vocabulary = new(StringComparer.Ordinal);

    /// <summary>Counts the words of labelled texts.</summary>
    public NaiveBayes(IEnumerable<(string Text, string Label)> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        foreach ((string text, string label) in rows)
        {
            _rows[label] = _rows.GetValueOrDefault(label) + 1;
            Dictionary<string, int> counts = _counts.TryGetValue(label, out Dictionary<string, int>? known)
                ? known
                : _counts[label] = new(StringComparer.Ordinal);
            foreach (string word in Words(text))
            {
                counts[word] = counts.GetValueOrDefault(word) + 1;
                _words[label] = _words.GetValueOrDefault(label) + 1;
                _vocabulary.Add(word);
            }
        }
    }

    /// <summary>The likeliest label; the first in ordinal order on ties.</summary>
    public string Predict(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<string> words = [.. Words(text).Where(_vocabulary.Contains)];
        double all = _rows.Values.Sum();
        return _rows
            .Keys.Order(StringComparer.Ordinal)
            .MaxBy(label =>
            {
                double total = _words.GetValueOrDefault(label) + _vocabulary.Count;
                return Math.Log(_rows[label] / all)
                    + words.Sum(w => Math.Log((_counts[label].GetValueOrDefault(w) + 1) / total));
            })!;
    }

    private static IEnumerable<string> Words(string text) =>
        Word().Matches(text.ToLowerInvariant()).Select(m => m.Value);

    [GeneratedRegex(@"[\p{L}\p{N}']+")]
    private static partial Regex Word();
}
