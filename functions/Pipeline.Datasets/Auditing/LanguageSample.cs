using Lingua;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Auditing;

/// <summary>
/// The languages of some of a dataset's texts, by Lingua's models of three letters (its low accuracy mode, sure for
/// sentences, not for single words).
/// </summary>
public static class LanguageSample
{
    /// <summary>Most texts that are looked at.</summary>
    public const int MaxTexts = 1000;

    private const int MinLetters = 20;
    private const int MaxCharacters = 1000;
    private const double MinConfidence = 0.8;

    // Nobody's customers write in these two, and short texts of names and handles look like them.
    private static readonly Lazy<LanguageDetector> Detector = new(() =>
        LanguageDetectorBuilder
            .FromLanguages([
                .. Enum.GetValues<Language>()
                    .Where(l => l is not (Language.Unknown or Language.Latin or Language.Esperanto)),
            ])
            .WithLowAccuracyMode()
            .Build()
    );

    /// <summary>Every how many rows one is looked at.</summary>
    /// <param name="rows">All rows.</param>
    public static int Step(int rows) => Math.Max(1, (rows + MaxTexts - 1) / MaxTexts);

    /// <summary>
    /// Texts by language, in English; those that it cannot tell as <see cref="LanguageCounts.NotDetected"/>.
    /// </summary>
    public static LanguageCounts Detect(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        string[] languages = new string[texts.Count];
        Parallel.For(0, texts.Count, i => languages[i] = Detect(texts[i]));
        return new LanguageCounts(
            texts.Count,
            new SortedDictionary<string, int>(
                languages.CountBy(l => l, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal),
                StringComparer.Ordinal
            )
        );
    }

    private static string Detect(string text)
    {
        string read = text.Length <= MaxCharacters ? text : text[..MaxCharacters];
        if (read.EnumerateRunes().Count(r => System.Text.Rune.IsLetter(r) && r.Value < 0x2E80) is > 0 and < MinLetters)
        {
            return LanguageCounts.NotDetected; // the scripts above write a sentence with fewer signs
        }

        (Language language, double confidence) = Detector.Value.ComputeLanguageConfidenceValues(read).First();
        return confidence < MinConfidence ? LanguageCounts.NotDetected : language.ToString();
    }
}
