using Pipeline.Contracts;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Functions.Tests.Tokenization.Templates;

public sealed class PlainTextTemplateTests
{
    private static ChatEncoder Encoder(params string[] controls)
    {
        Tokenizer tokenizer = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson([], controls));
        return new ChatEncoder(tokenizer, ChatTemplate.For(tokenizer, PlainTextTemplate.TemplateName));
    }

    [Theory]
    [InlineData("<s>", "</s>")]
    [InlineData("<|begin_of_text|>", "<|end_of_text|>")]
    public void Encode_Document_LearnsAllButBos(string begin, string end)
    {
        ChatEncoder encoder = Encoder(begin, end, "<|eot_id|>");

        EncodedChat encoded = encoder.Encode([new ChatMessage(MessageRole.Document, "Hi </s> there")]);

        Assert.Equal(encoder.Tokenizer.Controls[begin], encoded.Ids[0]);
        Assert.Equal(encoder.Tokenizer.Controls[end], encoded.Ids[^1]);
        Assert.Equal([0, .. Enumerable.Repeat((byte)1, encoded.Ids.Count - 1)], encoded.LossMask);
        Assert.Equal("Hi </s> there", encoder.Tokenizer.Decode([.. encoded.Ids.Skip(1).SkipLast(1)]));
        Assert.Single(encoded.Ids, i => i == encoder.EndId); // what a person wrote never becomes one
    }

    [Fact]
    public void Encode_Excerpt_HasNoEnd()
    {
        ChatEncoder encoder = Encoder("<s>", "</s>");

        Assert.DoesNotContain(encoder.EndId, encoder.Encode([new ChatMessage(MessageRole.Excerpt, "Hi")]).Ids);
    }

    /// <summary>Nothing comes before the first token of such a text: it is given, not learned.</summary>
    [Fact]
    public void EncodeAnswer_BaseWithoutBos_BeginsBehindTheFirstToken()
    {
        ChatEncoder encoder = Encoder("<|im_start|>", "<|im_end|>", "<|endoftext|>");

        (IReadOnlyList<int> prompt, IReadOnlyList<int> answer) = encoder.EncodeAnswer([
            new ChatMessage(MessageRole.Document, "abc"),
        ]);

        Assert.Equal((1, 3), (prompt.Count, answer.Count));
        Assert.Equal(encoder.Tokenizer.Controls["<|endoftext|>"], answer[^1]);
    }

    [Fact]
    public void For_BaseWithoutEndOfText_IsRefused() =>
        Assert.Contains(
            "has none of </s>",
            Assert.Throws<InvalidDataException>(() => Encoder("<|im_start|>", "<|im_end|>")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Encode_Dialogue_IsRefused() =>
        Assert.Throws<ArgumentException>(() =>
            Encoder("<s>", "</s>")
                .Encode([new ChatMessage(MessageRole.User, "Hi"), new ChatMessage(MessageRole.Assistant, "Hello")])
        );
}
