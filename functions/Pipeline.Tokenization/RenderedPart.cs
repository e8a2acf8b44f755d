namespace Pipeline.Tokenization;

/// <summary>A part of a rendered dialogue.</summary>
/// <param name="Text">Its text.</param>
/// <param name="IsLearned">Whether the loss is taken over it.</param>
public sealed record RenderedPart(string Text, bool IsLearned);
