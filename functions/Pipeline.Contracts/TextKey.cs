namespace Pipeline.Contracts;

/// <summary>What two texts have in common when they are the same to a reader.</summary>
public static class TextKey
{
    /// <summary>Letters in one case, runs of white space as one blank.</summary>
    public static string From(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return string.Join(' ', text.ToUpperInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }
}
