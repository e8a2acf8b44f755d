using System.Text;
using ICU4N.Text;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>Unicode's form C.</summary>
public static class UnicodeText
{
    /// <summary>
    /// Puts a text into form C. Not by .NET's own: without the system's ICU (invariant globalization) that composes
    /// nothing.
    /// </summary>
    public static string Compose(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Ascii.IsValid(text) ? text : Normalizer2.NFCInstance.Normalize(text);
    }
}
