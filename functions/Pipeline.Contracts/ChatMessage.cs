namespace Pipeline.Contracts;

/// <summary>One message of a dialogue.</summary>
/// <param name="Role"><c>system</c> (first only), <c>user</c> or <c>assistant</c>; of a plain text <c>document</c>, or
/// <c>excerpt</c> where the text goes on elsewhere.</param>
/// <param name="Content">The text as a person wrote it; nothing in it is ever read as a control token.</param>
public sealed record ChatMessage(string Role, string Content)
{
    public const string System = "system";
    public const string User = "user";
    public const string Assistant = "assistant";
    public const string Document = "document";
    public const string Excerpt = "excerpt";
}
