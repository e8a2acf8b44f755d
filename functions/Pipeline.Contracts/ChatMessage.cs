using System.Text.Json.Serialization;

namespace Pipeline.Contracts;

/// <summary>One message of a dialogue.</summary>
/// <param name="Role">Who says it.</param>
/// <param name="Content">The text as a person wrote it; nothing in it is ever read as a control token.</param>
public sealed record ChatMessage(MessageRole Role, string Content)
{
    /// <summary>
    /// 0: an answer that is context and not learned from, as OpenAI's fine-tuning format has it; <c>null</c>: learned.
    /// </summary>
    public int? Weight { get; init; }

    /// <summary>Whether it is an answer that is not learned from.</summary>
    [JsonIgnore]
    public bool IsContext => Weight == 0;
}
