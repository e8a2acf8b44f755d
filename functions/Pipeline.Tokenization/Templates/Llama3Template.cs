namespace Pipeline.Tokenization.Templates;

/// <summary>
/// The Llama-3 chat format: one BOS, then each message after a header of its role. Source: meta-llama/llama3,
/// <c>llama/tokenizer.py</c> (ChatFormat), and the chat_template of its tokenizer_config.json, which strips each text.
/// </summary>
public sealed class Llama3Template : ChatTemplate
{
    internal const string TemplateName = "llama3";
    internal const string HeaderStart = "<|start_header_id|>";
    private const string HeaderEnd = "<|end_header_id|>";
    private const string Begin = "<|begin_of_text|>";
    private const string EndOfText = "<|end_of_text|>";
    private const string EndOfTurn = "<|eot_id|>";

    public override string Name => TemplateName;
    public override string? BeginToken => Begin;
    public override string EndToken => EndOfTurn;
    public override IReadOnlyList<string> StopTokens => [EndOfTurn, EndOfText];
    private protected override IReadOnlyList<string> Controls => [Begin, HeaderStart, HeaderEnd, EndOfTurn, EndOfText];

    private protected override IEnumerable<TemplatePart> Render(string? system, IReadOnlyList<string> turns)
    {
        yield return TemplatePart.Control(Begin);
        if (system is not null)
        {
            foreach (TemplatePart part in Message("system", Strip(system), supervised: false))
            {
                yield return part;
            }
        }

        for (int i = 0; i < turns.Count; i++)
        {
            bool answer = i % 2 == 1;
            foreach (TemplatePart part in Message(answer ? "assistant" : "user", Strip(turns[i]), answer))
            {
                yield return part;
            }
        }

        if (turns.Count % 2 == 1)
        {
            foreach (TemplatePart part in Header("assistant"))
            {
                yield return part;
            }
        }
    }

    private static IEnumerable<TemplatePart> Header(string role) =>
        [
            TemplatePart.Control(HeaderStart),
            TemplatePart.Plain(role),
            TemplatePart.Control(HeaderEnd),
            TemplatePart.Plain("\n\n"),
        ];

    private static IEnumerable<TemplatePart> Message(string role, string text, bool supervised) =>
        [.. Header(role), new TemplatePart(text, false, supervised), TemplatePart.Control(EndOfTurn, supervised)];
}
