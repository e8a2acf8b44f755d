using System.Text.RegularExpressions;

namespace Pipeline.Reporting.Metrics;

/// <summary>
/// ROUGE-L: F1 of the longest common subsequence of two texts' words. Source: Lin 2004, section 3; words as in
/// google-research <c>rouge/tokenize.py</c>, without stemming, but of any script's letters and digits.
/// </summary>
public static partial class RougeL
{
    /// <summary>F1 of two texts, 0 to 1; 1 when neither has a word.</summary>
    public static double F1(string gold, string answer)
    {
        string[] right = Words(gold);
        string[] answerWords = Words(answer);
        if (right.Length == 0 || answerWords.Length == 0)
        {
            return right.Length == answerWords.Length ? 1 : 0;
        }

        int common = LongestCommonSubsequence(right, answerWords);
        return 2.0 * common / (right.Length + answerWords.Length);
    }

    private static int LongestCommonSubsequence(string[] a, string[] b)
    {
        var previous = new int[b.Length + 1];
        var current = new int[b.Length + 1];
        foreach (string word in a)
        {
            for (int j = 0; j < b.Length; j++)
            {
                current[j + 1] = word == b[j] ? previous[j] + 1 : Math.Max(previous[j + 1], current[j]);
            }

            (previous, current) = (current, previous);
        }

        return previous[b.Length];
    }

    private static string[] Words(string text) => [.. Word().Matches(text.ToLowerInvariant()).Select(m => m.Value)];

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Word();
}
