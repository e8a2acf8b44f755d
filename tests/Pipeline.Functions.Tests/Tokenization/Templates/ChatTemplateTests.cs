using Pipeline.Contracts;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Functions.Tests.Tokenization.Templates;

/// <summary>The exact text of each template, and what every template must keep.</summary>
public sealed class ChatTemplateTests
{
    private static readonly IReadOnlyList<string> Controls =
    [
        "<s>",
        "</s>",
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eot_id|>",
        "<|im_start|>",
        "<|im_end|>",
        "<|endoftext|>",
    ];

    private static readonly Tokenizer Bytes = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson(["Ċ Ċ"], Controls));

    private static readonly IReadOnlyList<ChatMessage> Dialogue =
    [
        new(MessageRole.System, "Be kind."),
        new(MessageRole.User, " Hi "),
        new(MessageRole.Assistant, "Hello."),
        new(MessageRole.User, "And?"),
        new(MessageRole.Assistant, "Bye"),
    ];

    [Theory]
    [InlineData(
        "llama2",
        "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\n Hi [/INST] Hello. </s><s>[INST] And? [/INST] Bye </s>"
    )]
    [InlineData(
        "llama3",
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nAnd?<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\nBye<|eot_id|>"
    )]
    [InlineData("mistral", "<s>[INST] Be kind.\n\n Hi  [/INST] Hello.</s>[INST] And? [/INST] Bye</s>")]
    [InlineData(
        "chatml",
        "<|im_start|>system\nBe kind.<|im_end|>\n"
            + "<|im_start|>user\n Hi <|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
            + "<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\nBye<|im_end|>\n"
    )]
    public void Render_EachTemplate_IsItsPinnedText(string name, string expected) =>
        Assert.Equal(expected, ChatTemplate.For(Bytes, name).Render(Dialogue));

    [Fact]
    public void Render_MistralWithInstructionTokens_IsVersionThree()
    {
        Tokenizer tokenizer = SmallTokenizers.Read(
            SmallTokenizers.ByteLevelJson([], ["<s>", "</s>", "[INST]", "[/INST]"])
        );

        Assert.Equal(
            "<s>[INST] Hi [/INST]Hello.</s>[INST]Be kind.\n\nAnd?[/INST]Bye</s>",
            ChatTemplate.For(tokenizer, "mistral").Render(Dialogue)
        );
    }

    [Theory]
    [InlineData("llama2", "<s>[INST] Hi [/INST]")]
    [InlineData(
        "llama3",
        "<|begin_of_text|>"
            + "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n"
    )]
    [InlineData("mistral", "<s>[INST] Hi [/INST]")]
    [InlineData("chatml", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")]
    public void Render_Prompt_EndsWhereTheAnswerBegins(string name, string expected) =>
        Assert.Equal(expected, ChatTemplate.For(Bytes, name).Render([new ChatMessage(MessageRole.User, "Hi")]));

    [Theory]
    [InlineData("llama2", 2)]
    [InlineData("llama3", 1)]
    [InlineData("mistral", 1)]
    [InlineData("chatml", 0)]
    public void Encode_EachTemplate_HasItsBosAndLearnsEveryEnd(string name, int begins)
    {
        var encoder = new ChatEncoder(Bytes, ChatTemplate.For(Bytes, name));

        EncodedChat encoded = encoder.Encode(Dialogue);

        Assert.Equal(
            begins,
            encoded.Ids.Count(i => i == Bytes.Controls["<s>"] || i == Bytes.Controls["<|begin_of_text|>"])
        );
        Assert.Equal(2, encoded.Ids.Zip(encoded.LossMask).Count(t => t.First == encoder.EndId && t.Second == 1));
        Assert.Equal(
            ["Hello.", "Bye"],
            SupervisedSpans(encoded, encoder.EndId).Select(ids => Bytes.Decode(ids).Trim())
        );
    }

    [Theory]
    [InlineData("llama2")]
    [InlineData("llama3")]
    [InlineData("mistral")]
    [InlineData("chatml")]
    public void EncodeAnswer_AnyTemplate_ContinuesThePromptAndEndsInTheEndToken(string name)
    {
        var encoder = new ChatEncoder(Bytes, ChatTemplate.For(Bytes, name));

        (IReadOnlyList<int> prompt, IReadOnlyList<int> answer) = encoder.EncodeAnswer(Dialogue);

        Assert.Equal(encoder.Encode([.. Dialogue.SkipLast(1)]).Ids, prompt);
        Assert.Equal(encoder.EndId, answer[^1]);
        Assert.Equal(encoder.Encode(Dialogue).Ids.Take(prompt.Count + answer.Count), prompt.Concat(answer));
    }

    /// <summary>
    /// Two line ends are one token here: encoded together, the answer's would be swallowed by the prompt's.
    /// </summary>
    [Fact]
    public void Encode_AnswerThatWouldMergeWithThePrompt_LeavesThePromptAsGenerationHasIt()
    {
        var encoder = new ChatEncoder(Bytes, ChatTemplate.For(Bytes, "chatml"));
        ChatMessage[] dialogue = [new(MessageRole.User, "Hi"), new(MessageRole.Assistant, "\nyes")];

        EncodedChat encoded = encoder.Encode(dialogue);

        IReadOnlyList<int> prompt = encoder.Encode([dialogue[0]]).Ids;
        Assert.Equal(prompt, encoded.Ids.Take(prompt.Count));
        Assert.Equal("\nyes", Bytes.Decode(SupervisedSpans(encoded, encoder.EndId).Single()));
    }

    [Fact]
    public void For_TemplateWhoseControlTokensAreMissing_IsRefused()
    {
        Tokenizer bare = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson([], ["<s>", "</s>"]));

        Assert.Contains(
            "<|im_start|>",
            Assert.Throws<InvalidDataException>(() => ChatTemplate.For(bare, "chatml")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("llama2", ChatTemplate.For(bare).Name);
        Assert.Equal("mistral", ChatTemplate.For(bare, null, "MistralForCausalLM").Name);
        Assert.Equal("llama3", ChatTemplate.For(Bytes).Name);
    }

    private static IEnumerable<List<int>> SupervisedSpans(EncodedChat chat, int endId)
    {
        var answer = new List<int>();
        foreach ((int id, byte learned) in chat.Ids.Zip(chat.LossMask))
        {
            if (learned == 1 && id == endId)
            {
                yield return answer;
                answer = [];
            }
            else if (learned == 1)
            {
                answer.Add(id);
            }
        }
    }
}
