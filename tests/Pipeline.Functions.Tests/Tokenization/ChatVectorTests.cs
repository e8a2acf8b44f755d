using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Tokenization;
using Pipeline.Tokenization.Templates;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Functions.Tests.Tokenization;

/// <summary>Text, ids and mask against the vectors of the reference stack, every case.</summary>
public sealed class ChatVectorTests
{
    [Fact]
    public void Encode_TinyLlamaChatVectors_AreExact() =>
        Check(
            RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat", "tokenizer.json"),
            RepositoryFiles.At("tests", "Golden", "chat-tiny-llama", "vectors.jsonl"),
            60
        );

    [Theory]
    [InlineData("tokenizer.json")]
    [InlineData("tokenizer.model")]
    public void Encode_Llama2Vectors_AreExact(string file) =>
        Check(
            RepositoryFiles.Shared("tokenizers", "llama2", file),
            RepositoryFiles.Shared("tokenizers", "llama2", "chat", "vectors.jsonl"),
            50
        );

    [Theory]
    [InlineData("llama2", "tokenizer.json", 165)]
    [InlineData("llama2", "tokenizer.model", 165)]
    [InlineData("llama31", "tokenizer.json", 172)]
    [InlineData("qwen3", "tokenizer.json", 172)]
    public void Tokenizer_ReferenceVectors_EncodeAndDecodeExactly(string name, string file, int atLeast)
    {
        var tokenizer = Tokenizer.FromFile(RepositoryFiles.Shared("tokenizers", name, file));
        int count = 0;
        foreach (string line in File.ReadLines(RepositoryFiles.Shared("tokenizers", name, "vectors.jsonl")))
        {
            using JsonDocument vector = JsonDocument.Parse(line);
            string text = vector.RootElement.GetProperty("text").GetString()!;
            int[] expected = [.. vector.RootElement.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];

            int[] ids = tokenizer.Encode(text);

            Assert.Equal($"{text} {string.Join(" ", expected)}", $"{text} {string.Join(" ", ids)}");
            Assert.Equal(vector.RootElement.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
            count++;
        }

        Assert.True(count >= atLeast, $"only {count} vectors");
    }

    private static void Check(string tokenizerFile, string vectors, int atLeast)
    {
        var tokenizer = Tokenizer.FromFile(tokenizerFile);
        var encoder = new ChatEncoder(tokenizer, ChatTemplate.For(tokenizer));
        int count = 0;
        foreach (string line in File.ReadLines(vectors))
        {
            Vector vector = JsonSerializer.Deserialize<Vector>(line, Snake)!;

            EncodedChat encoded = encoder.Encode(vector.Messages);

            Assert.Equal(vector.Text, encoder.Template.Render(vector.Messages));
            Assert.True(vector.Ids.SequenceEqual(encoded.Ids), $"case {count}: {vector.Text}");
            Assert.True(
                vector.LossMask.SequenceEqual(encoded.LossMask.Select(m => (int)m)),
                $"mask of case {count}: {vector.Text}"
            );
            count++;
        }

        Assert.True(count >= atLeast, $"only {count} vectors");
    }

    private static readonly JsonSerializerOptions Snake = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        PropertyNameCaseInsensitive = true,
    };

    private sealed record Vector(List<ChatMessage> Messages, string Text, List<int> Ids, List<int> LossMask);
}
