using System.Text.Json;

namespace Pipeline.Tokenization;

/// <summary>Reads the parts of a tokenizer.json and refuses those that would be encoded otherwise than written.</summary>
internal static class TokenizerFile
{
    public static T Read<T>(JsonElement root, string name, Func<Dictionary<string, int>, List<(string Left, string Right)>, string, T> build)
    {
        JsonElement model = root.GetProperty("model");
        if (model.GetProperty("type").GetString() != "BPE" || !model.GetProperty("byte_fallback").GetBoolean())
        {
            throw new InvalidDataException($"{name}: only BPE with byte fallback is read, not {model.GetProperty("type")}.");
        }

        RequireNormalizer(root, name);
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (JsonProperty piece in model.GetProperty("vocab").EnumerateObject())
        {
            ids[piece.Name] = piece.Value.GetInt32();
        }

        if (ids.Count == 0 || ids.Values.Min() != 0 || ids.Values.Max() != ids.Count - 1)
        {
            throw new InvalidDataException($"{name}: the vocabulary's ids are not 0 to {ids.Count - 1}.");
        }

        var merges = new List<(string, string)>();
        foreach (JsonElement merge in model.GetProperty("merges").EnumerateArray())
        {
            merges.Add(ReadMerge(merge, name));
        }

        return build(ids, merges, name);
    }

    /// <summary>Both forms: <c>"a b"</c> (until 2024) and <c>["a", "b"]</c>.</summary>
    private static (string Left, string Right) ReadMerge(JsonElement merge, string name)
    {
        if (merge.ValueKind == JsonValueKind.Array)
        {
            return (merge[0].GetString()!, merge[1].GetString()!);
        }

        string pair = merge.GetString()!;
        int blank = pair.IndexOf(' ', 1);
        return blank > 0 ? (pair[..blank], pair[(blank + 1)..]) : throw new InvalidDataException($"{name}: '{pair}' is not a merge.");
    }

    private static void RequireNormalizer(JsonElement root, string name)
    {
        bool known = root.GetProperty("normalizer") is { ValueKind: JsonValueKind.Object } normalizer
            && normalizer.GetProperty("type").GetString() == "Sequence"
            && normalizer.GetProperty("normalizers").EnumerateArray().Select(n => n.GetProperty("type").GetString()).SequenceEqual(["Prepend", "Replace"])
            && root.GetProperty("pre_tokenizer").ValueKind == JsonValueKind.Null;
        if (!known)
        {
            throw new InvalidDataException($"{name}: the normalizer is not Llama 2's (prepend and replace blanks, no pre-tokenizer).");
        }
    }
}
