namespace Pipeline.Tokenization.Templates;

/// <summary>
/// ChatML, as Qwen has it: each message between <c>&lt;|im_start|&gt;role</c> and <c>&lt;|im_end|&gt;</c>, no BOS,
/// texts as they are, no system text where none is given. Source: openai-python, <c>chatml.md</c> (v0.27), and the
/// chat_template of Qwen's tokenizer_config.json.
/// </summary>
public sealed class ChatMlTemplate : ChatTemplate
{
    internal const string TemplateName = "chatml";
    internal const string Start = "<|im_start|>";
    private const string End = "<|im_end|>";

    public override string Name => TemplateName;
    public override string EndToken => End;
    public override IReadOnlyList<string> StopTokens => [End, "<|endoftext|>"];
    private protected override IReadOnlyList<string> Controls => [Start, End];

    private protected override IEnumerable<TemplatePart> Render(string? system, IReadOnlyList<string> turns)
    {
        if (system is not null)
        {
            foreach (TemplatePart part in Message("system", system, supervised: false))
            {
                yield return part;
            }
        }

        for (int i = 0; i < turns.Count; i++)
        {
            bool answer = i % 2 == 1;
            foreach (TemplatePart part in Message(answer ? "assistant" : "user", turns[i], answer))
            {
                yield return part;
            }
        }

        if (turns.Count % 2 == 1)
        {
            yield return TemplatePart.Control(Start);
            yield return TemplatePart.Plain("assistant\n");
        }
    }

    private static IEnumerable<TemplatePart> Message(string role, string text, bool supervised) =>
        [
            TemplatePart.Control(Start),
            TemplatePart.Plain(role + "\n"),
            new TemplatePart(text, false, supervised),
            TemplatePart.Control(End, supervised),
            TemplatePart.Plain("\n"),
        ];
}
