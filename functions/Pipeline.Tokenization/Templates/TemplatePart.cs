namespace Pipeline.Tokenization.Templates;

/// <summary>One part of a rendered dialogue.</summary>
/// <param name="Text">A control token's text, or text that is encoded as text.</param>
/// <param name="IsControl">Whether it is one control token.</param>
/// <param name="IsSupervised">Whether it belongs to an answer, its end token among it.</param>
internal readonly record struct TemplatePart(string Text, bool IsControl, bool IsSupervised)
{
    public static TemplatePart Control(string token, bool supervised = false) => new(token, true, supervised);

    public static TemplatePart Plain(string text) => new(text, false, false);

    public static TemplatePart Supervised(string text) => new(text, false, true);
}
