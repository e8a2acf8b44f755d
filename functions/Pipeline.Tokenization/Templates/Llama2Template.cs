namespace Pipeline.Tokenization.Templates;

/// <summary>
/// The Llama-2 chat format. Source: meta-llama/llama, <c>llama/generation.py</c> at commit c769dfd (chat_completion):
/// the system text is folded into the first user turn, each text is stripped at its two ends, each turn is
/// <c>[INST] user [/INST] answer </c> with one BOS before and one EOS after.
/// </summary>
public sealed class Llama2Template : ChatTemplate
{
    internal const string TemplateName = "llama2";
    private const string Begin = "<s>";
    private const string End = "</s>";

    public override string Name => TemplateName;
    public override string? BeginToken => Begin;
    public override string EndToken => End;
    private protected override IReadOnlyList<string> Controls => [Begin, End];

    private protected override IEnumerable<TemplatePart> Render(string? system, IReadOnlyList<string> turns)
    {
        for (int i = 0; i < turns.Count; i += 2)
        {
            string user = i == 0 && system is not null ? $"<<SYS>>\n{system}\n<</SYS>>\n\n{turns[i]}" : turns[i];
            yield return TemplatePart.Control(Begin);
            yield return TemplatePart.Plain($"[INST] {Strip(user)} [/INST]");
            if (i + 1 < turns.Count)
            {
                yield return TemplatePart.Supervised($" {Strip(turns[i + 1])} ");
                yield return TemplatePart.Control(End, supervised: true);
            }
        }
    }
}
