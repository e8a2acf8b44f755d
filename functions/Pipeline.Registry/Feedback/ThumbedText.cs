namespace Pipeline.Registry.Feedback;

/// <summary>A text whose answers have thumbs and no correction.</summary>
/// <param name="Text">The text.</param>
/// <param name="Down">Reviewers with a thumb down.</param>
/// <param name="Up">Reviewers with a thumb up.</param>
/// <param name="Answer">The answer that the newest thumb down is for; <c>null</c>: not known.</param>
/// <param name="AnswerId">Its id; <c>null</c>: not known.</param>
public sealed record ThumbedText(string Text, int Down, int Up, string? Answer, string? AnswerId);
