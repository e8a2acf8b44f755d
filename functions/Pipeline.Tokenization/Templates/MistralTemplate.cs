namespace Pipeline.Tokenization.Templates;

/// <summary>
/// The Mistral instruct format: one BOS, <c>[INST] user [/INST] answer</c>, EOS after each answer; the system text
/// stands before the first user's (the last one's in version 3), two line ends between. Source:
/// mistralai/mistral-common, <c>tokens/tokenizers/instruct.py</c>, version 1; where the tokenizer has <c>[INST]</c> as
/// a control token, version 3. Texts are taken as they are.
/// </summary>
/// <param name="instructionIsControl">Whether <c>[INST]</c> and <c>[/INST]</c> are control tokens.</param>
public sealed class MistralTemplate(bool instructionIsControl) : ChatTemplate
{
    internal const string TemplateName = "mistral";
    internal const string Instruction = "[INST]";
    private const string InstructionEnd = "[/INST]";
    private const string Begin = "<s>";
    private const string End = "</s>";

    public override string Name => TemplateName;
    public override string? BeginToken => Begin;
    public override string EndToken => End;
    private protected override IReadOnlyList<string> Controls =>
        instructionIsControl ? [Begin, End, Instruction, InstructionEnd] : [Begin, End];

    private protected override IEnumerable<TemplatePart> Render(string? system, IReadOnlyList<string> turns)
    {
        yield return TemplatePart.Control(Begin);
        for (int i = 0; i < turns.Count; i++)
        {
            if (i % 2 == 1)
            {
                yield return TemplatePart.Supervised(instructionIsControl ? turns[i] : " " + turns[i]);
                yield return TemplatePart.Control(End, supervised: true);
                continue;
            }

            int systemTurn = instructionIsControl ? (turns.Count - 1) / 2 * 2 : 0; // version 3: the last user's
            string user = i == systemTurn && system is not null ? $"{system}\n\n{turns[i]}" : turns[i];
            if (instructionIsControl)
            {
                yield return TemplatePart.Control(Instruction);
                yield return TemplatePart.Plain(user);
                yield return TemplatePart.Control(InstructionEnd);
            }
            else
            {
                yield return TemplatePart.Plain($"{Instruction} {user} {InstructionEnd}");
            }
        }
    }
}
