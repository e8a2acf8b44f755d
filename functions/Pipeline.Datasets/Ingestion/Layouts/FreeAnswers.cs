namespace Pipeline.Datasets.Ingestion.Layouts;

/// <summary>Tells free answers from classes: a class comes again and again, and has a word or two.</summary>
internal static class FreeAnswers
{
    private const double MinDistinct = 0.5;
    private const double MaxWordsOfAClass = 2;

    /// <summary>Whether answers are free texts: at least half of them differ, and they have several words.</summary>
    public static bool AreIn(IReadOnlyCollection<string> answers) =>
        answers.Count > 0
        && answers.Distinct(StringComparer.OrdinalIgnoreCase).Count() >= MinDistinct * answers.Count
        && answers.Average(WordsOf) > MaxWordsOfAClass;

    /// <summary>The words of a text.</summary>
    public static int WordsOf(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
}
