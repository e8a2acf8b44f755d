using System.Text.Json.Nodes;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Functions.Tests.Tokenization;

public sealed class TokenizerTests
{
    [Fact]
    public void Encode_ControlTokenInAText_StaysText()
    {
        Tokenizer tokenizer = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson(["a b"], ["<|im_end|>"], "<think>"));

        int[] ids = tokenizer.Encode("ab<|im_end|>");

        Assert.DoesNotContain(tokenizer.Controls["<|im_end|>"], ids);
        Assert.Equal("ab<|im_end|>", tokenizer.Decode(ids));
        Assert.Equal(256, ids[0]);
    }

    [Fact]
    public void Encode_AddedTokenThatIsNoControlToken_IsOneToken()
    {
        Tokenizer tokenizer = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson([], ["<|im_end|>"], "<think>"));

        int[] ids = tokenizer.Encode("x<think>y");

        Assert.Equal([(int)'x', 257, 'y'], ids);
        Assert.Equal("x<think>y", tokenizer.Decode(ids));
    }

    /// <summary>
    /// Letters beyond U+FFFF are letters to the reference's expression, halves of surrogate pairs are none to .NET's.
    /// </summary>
    [Fact]
    public void Encode_LettersBeyondTheBasicPlane_AreOneWord()
    {
        string letters = char.ConvertFromUtf32(0x1D400) + char.ConvertFromUtf32(0x1D401);
        byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(letters);
        // A merge of the last byte of the first letter and the first byte of the second: it can only happen within one
        // word.
        string merge = $"{Spelled(utf8[3])} {Spelled(utf8[4])}";
        Tokenizer tokenizer = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson([merge], []));

        Assert.Contains(256, tokenizer.Encode(letters));
        Assert.DoesNotContain(256, tokenizer.Encode(letters.Insert(2, " ")));
        Assert.Equal(letters, tokenizer.Decode(tokenizer.Encode(letters)));
    }

    [Fact]
    public void Encode_DecomposedText_IsComposedFirst()
    {
        Tokenizer tokenizer = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson([], []));

        Assert.Equal(tokenizer.Encode("\u00e9"), tokenizer.Encode("e\u0301"));
    }

    [Fact]
    public void Encode_HalfASurrogatePair_IsAReplacementCharacter()
    {
        Tokenizer tokenizer = SmallTokenizers.Read(SmallTokenizers.ByteLevelJson([], []));

        Assert.Equal("a\uFFFDb", tokenizer.Decode(tokenizer.Encode("a\uD800b")));
    }

    [Theory]
    [InlineData("{\"type\":\"Unigram\",\"vocab\":[]}", "Unigram")]
    [InlineData("{\"type\":\"WordPiece\",\"vocab\":{}}", "WordPiece")]
    public void FromFile_OtherModels_AreRefusedByName(string model, string named)
    {
        JsonObject json = SmallTokenizers.ByteLevelJson([], []);
        json["model"] = JsonNode.Parse(model);

        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => SmallTokenizers.Read(json));

        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("normalizer", "{\"type\":\"Lowercase\"}", "Lowercase")]
    [InlineData("pre_tokenizer", "{\"type\":\"Whitespace\"}", "Whitespace")]
    [InlineData("pre_tokenizer", "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}", "add_prefix_space")]
    public void FromFile_StepsThatAreNotRead_AreRefusedByName(string key, string step, string named)
    {
        JsonObject json = SmallTokenizers.ByteLevelJson([], []);
        json[key] = JsonNode.Parse(step);

        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => SmallTokenizers.Read(json));

        Assert.Contains(named, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FromFile_ExpressionOfOtherCategories_IsRefused()
    {
        JsonObject json = SmallTokenizers.ByteLevelJson([], []);
        json["pre_tokenizer"] = JsonNode.Parse(
            """{"type":"Sequence","pretokenizers":["""
                + """{"type":"Split","pattern":{"Regex":"[\\p{Lu}\\p{M}]+"},"behavior":"Isolated","invert":false},"""
                + """{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]}"""
        );

        Assert.Contains(
            "\\p{Lu}",
            Assert.Throws<InvalidDataException>(() => SmallTokenizers.Read(json)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void FromFile_TokenMatchedInNormalisedText_IsRefused()
    {
        JsonObject json = JsonNode
            .Parse(File.ReadAllText(RepositoryFiles.At("gpu-worker", "models", "tiny-llama-chat", "tokenizer.json")))!
            .AsObject();
        json["added_tokens"]!
            .AsArray()
            .Add(
                new JsonObject
                {
                    ["id"] = 4096,
                    ["content"] = "<X>",
                    ["special"] = false,
                    ["normalized"] = true,
                }
            );

        Assert.Contains(
            "<X>",
            Assert.Throws<InvalidDataException>(() => SmallTokenizers.Read(json)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void FromFile_DamagedSentencePieceModel_IsRefused()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.model");
        File.WriteAllBytes(path, [0x0A, 0xFF, 0x01, 0x02]);
        try
        {
            Assert.Throws<InvalidDataException>(() => Tokenizer.FromFile(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string Spelled(byte value) =>
        SmallTokenizers.ByteLevelJson([], [])["model"]!["vocab"]!
            .AsObject()
            .First(p => p.Value!.GetValue<int>() == value)
            .Key;
}
