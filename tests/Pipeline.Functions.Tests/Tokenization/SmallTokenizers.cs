using System.Text.Json.Nodes;
using Pipeline.Tokenization.Tokenizers;

namespace Pipeline.Functions.Tests.Tokenization;

/// <summary>Tokenizers small enough to be checked by eye.</summary>
internal static class SmallTokenizers
{
    /// <summary>
    /// A tokenizer.json of a byte-level BPE: 256 bytes, a few merges, control tokens, and one added token that is none.
    /// </summary>
    public static JsonObject ByteLevelJson(
        IReadOnlyList<string> merges,
        IReadOnlyList<string> controls,
        string? ordinary = null
    )
    {
        var vocabulary = new JsonObject();
        char next = '\u0100';
        for (int i = 0; i < 256; i++)
        {
            vocabulary[
                (
                    i is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)i : next++
                ).ToString()
            ] = i;
        }

        foreach (string merge in merges)
        {
            vocabulary[merge.Replace(" ", "", StringComparison.Ordinal)] = vocabulary.Count;
        }

        int id = vocabulary.Count;
        var added = new JsonArray();
        foreach (string token in ordinary is null ? controls : [.. controls, ordinary])
        {
            added.Add(
                new JsonObject
                {
                    ["id"] = id++,
                    ["content"] = token,
                    ["special"] = token != ordinary,
                }
            );
        }

        return new JsonObject
        {
            ["added_tokens"] = added,
            ["normalizer"] = new JsonObject { ["type"] = "NFC" },
            ["pre_tokenizer"] = new JsonObject
            {
                ["type"] = "ByteLevel",
                ["add_prefix_space"] = false,
                ["use_regex"] = true,
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["byte_fallback"] = false,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(m => (JsonNode)m)]),
            },
        };
    }

    public static Tokenizer Read(JsonObject json)
    {
        string path = Path.Combine(Path.GetTempPath(), $"tokenizer-{Guid.NewGuid():N}.json");
        File.WriteAllText(path, json.ToJsonString());
        try
        {
            return Tokenizer.FromFile(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
