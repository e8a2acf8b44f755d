using System.Text.Json;
using Pipeline.Contracts;
using Pipeline.Tokenization;

namespace Pipeline.Functions.Tests.Tokenization;

/// <summary>Text, ids and mask against the vectors of the reference stack, every case.</summary>
public sealed class ChatVectorTests
{
    [Fact]
    public void Encode_TinyLlamaChatVectors_AreExact() =>
        Check(RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat"), RepositoryFiles.At("tests", "Golden", "chat-tiny-llama", "vectors.jsonl"), 60);

    [Fact]
    public void Encode_Llama2Vectors_AreExact() =>
        Check(RepositoryFiles.Shared("tokenizers", "llama2"), RepositoryFiles.Shared("tokenizers", "llama2", "chat", "vectors.jsonl"), 50);

    [Fact]
    public void Tokenizer_Llama2Vectors_EncodeAndDecodeExactly()
    {
        LlamaTokenizer tokenizer = LlamaTokenizer.FromDirectory(RepositoryFiles.Shared("tokenizers", "llama2"));
        int count = 0;
        foreach (string line in File.ReadLines(RepositoryFiles.Shared("tokenizers", "llama2", "vectors.jsonl")))
        {
            using JsonDocument vector = JsonDocument.Parse(line);
            string text = vector.RootElement.GetProperty("text").GetString()!;
            int[] expected = [.. vector.RootElement.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];

            int[] ids = tokenizer.Encode(text);

            Assert.Equal($"{text} {string.Join(" ", expected)}", $"{text} {string.Join(" ", ids)}");
            Assert.Equal(vector.RootElement.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
            count++;
        }

        Assert.True(count >= 165, $"only {count} vectors");
    }

    private static void Check(string tokenizerFolder, string vectors, int atLeast)
    {
        var encoder = new ChatEncoder(LlamaTokenizer.FromDirectory(tokenizerFolder));
        int count = 0;
        foreach (string line in File.ReadLines(vectors))
        {
            Vector vector = JsonSerializer.Deserialize<Vector>(line, Snake)!;

            EncodedChat encoded = encoder.Encode(vector.Messages);

            Assert.Equal(vector.Text, Llama2Template.Render(vector.Messages));
            Assert.True(vector.Ids.SequenceEqual(encoded.Ids), $"case {count}: {vector.Text}");
            Assert.True(vector.LossMask.SequenceEqual(encoded.LossMask.Select(m => (int)m)), $"mask of case {count}: {vector.Text}");
            count++;
        }

        Assert.True(count >= atLeast, $"only {count} vectors");
    }

    private static readonly JsonSerializerOptions Snake = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, PropertyNameCaseInsensitive = true };

    private sealed record Vector(List<ChatMessage> Messages, string Text, List<int> Ids, List<int> LossMask);
}
