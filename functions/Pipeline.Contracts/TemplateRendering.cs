namespace Pipeline.Contracts;

/// <summary>
/// <c>template.json</c> beside an adapter: one dialogue as it was put into text and ids in training, for whoever serves
/// the adapter to compare with.
/// </summary>
/// <param name="Template">The template's name.</param>
/// <param name="Messages">The dialogue.</param>
/// <param name="Text">Its rendering, control tokens spelled out.</param>
/// <param name="Ids">Its token ids.</param>
/// <param name="LossMask">1 where learned.</param>
/// <param name="Prompt">The rendering without the answer: what the model is asked with.</param>
/// <param name="PromptIds">Its token ids.</param>
/// <param name="StopIds">Tokens at which writing stops.</param>
/// <param name="Sha256">Of text and ids together.</param>
public sealed record TemplateRendering(
    string Template,
    IReadOnlyList<ChatMessage> Messages,
    string Text,
    IReadOnlyList<int> Ids,
    IReadOnlyList<int> LossMask,
    string Prompt,
    IReadOnlyList<int> PromptIds,
    IReadOnlyList<int> StopIds,
    string Sha256
)
{
    public int SchemaVersion { get; init; } = 1;
}
