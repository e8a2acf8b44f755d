using System.Text.Json;
using System.Text.RegularExpressions;
using Pipeline.Contracts;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// Reads a tokenizer.json and refuses one that would be encoded otherwise than written. Format: huggingface/tokenizers.
/// </summary>
internal static partial class TokenizerFile
{
    /// <summary>Reads the bytes of a tokenizer.json.</summary>
    /// <param name="json">The file.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <exception cref="InvalidDataException">It is not of a layout that is encoded here.</exception>
    public static Tokenizer Read(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, InputFile.Strict);
            return Read(document.RootElement, name);
        }
        catch (Exception fault)
            when (fault
                    is JsonException
                        or KeyNotFoundException
                        or InvalidOperationException
                        or FormatException
                        or ArgumentException
                        or OverflowException
            )
        {
            throw new InvalidDataException(
                $"{name} is not a tokenizer.json that is read here: {InputFile.OneLine(fault.Message)}",
                fault
            );
        }
    }

    private static Tokenizer Read(JsonElement root, string name)
    {
        JsonElement model = root.GetProperty("model");
        if (Kind(model) != "BPE")
        {
            throw new InvalidDataException($"{name}: the model is {Kind(model)}; BPE is read.");
        }

        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var seen = new HashSet<int>();
        foreach (JsonProperty piece in model.GetProperty("vocab").EnumerateObject())
        {
            int id = IdOf(piece.Value, piece.Name, name);
            ids[piece.Name] = seen.Add(id)
                ? id
                : throw new InvalidDataException($"{name}: two pieces have the id {id}.");
        }

        PairMerger merger = PairMerger.FromList(
            ids,
            [.. model.GetProperty("merges").EnumerateArray().Select(m => ReadMerge(m, name))]
        );
        (Dictionary<string, int> controls, Dictionary<string, int> added) = ReadAdded(root, name);
        foreach ((string text, int id) in controls.Concat(added))
        {
            ids[text] = id;
        }

        bool fallback = Flag(model, "byte_fallback");
        var vocabulary = new TokenizerVocabulary(ids, merger, controls, added, name);
        return fallback ? SentencePiece(root, vocabulary) : ByteLevel(root, model, vocabulary);
    }

    private static LlamaTokenizer SentencePiece(JsonElement root, TokenizerVocabulary vocabulary)
    {
        (
            Dictionary<string, int> ids,
            PairMerger merger,
            Dictionary<string, int> controls,
            Dictionary<string, int> added,
            string name
        ) = vocabulary;
        if (ids.Count == 0 || ids.Values.Min() != 0 || ids.Values.Max() != ids.Count - 1)
        {
            throw new InvalidDataException($"{name}: the vocabulary's ids are not 0 to {ids.Count - 1}.");
        }

        if (
            root.TryGetProperty("added_tokens", out JsonElement tokens)
            && tokens.ValueKind == JsonValueKind.Array
            && tokens.EnumerateArray().FirstOrDefault(t => !Flag(t, "special") && Flag(t, "normalized"))
                is { ValueKind: JsonValueKind.Object } normalized
        )
        {
            throw new InvalidDataException(
                $"{name}: the added token '{normalized.GetProperty("content").GetString()}' is matched in "
                    + "normalised text (\"normalized\": true), which is not read."
            );
        }

        // Old files put all three among the pieces only.
        foreach (string control in (string[])["<unk>", "<s>", "</s>"])
        {
            if (ids.TryGetValue(control, out int id))
            {
                controls[control] = id;
            }
        }

        return new LlamaTokenizer(ids, merger, controls, new AddedTokens(added), Prefix(root, name), name);
    }

    private static BlankPrefix Prefix(JsonElement root, string name)
    {
        List<JsonElement> normalizers = Steps(root, "normalizer", "normalizers");
        List<JsonElement> splitters = Steps(root, "pre_tokenizer", "pretokenizers");
        string[] kinds = [.. normalizers.Select(Kind)];
        if (
            splitters.Count == 0
            && (kinds.SequenceEqual(["Prepend", "Replace"]) || kinds.SequenceEqual(["Replace"]))
            && Replaces(normalizers[^1])
        )
        {
            return kinds.Length == 1 ? BlankPrefix.Never : BlankPrefix.Always;
        }

        if (
            kinds.Length == 0
            && splitters.Count == 1
            && Kind(splitters[0]) == "Metaspace"
            && splitters[0].TryGetProperty("split", out JsonElement split)
            && split.ValueKind == JsonValueKind.False
        )
        {
            return splitters[0].GetProperty("prepend_scheme").GetString() switch
            {
                "always" => BlankPrefix.WhereMissing,
                "first" => BlankPrefix.FirstWhereMissing,
                _ => BlankPrefix.Never,
            };
        }

        throw new InvalidDataException(
            $"{name}: normalizer and pre-tokenizer ({string.Join(", ", kinds.Concat(splitters.Select(Kind)))}) are "
                + "not those of Llama 2 or Mistral (Prepend and Replace, or Metaspace without split)."
        );
    }

    private static bool Replaces(JsonElement normalizer) =>
        normalizer.GetProperty("pattern").GetProperty("String").GetString() == " "
        && normalizer.GetProperty("content").GetString() == "\u2581";

    private static ByteLevelTokenizer ByteLevel(JsonElement root, JsonElement model, TokenizerVocabulary vocabulary)
    {
        string name = vocabulary.Name;
        string[] normalizers = [.. Steps(root, "normalizer", "normalizers").Select(Kind)];
        if (normalizers.Any(n => n != "NFC"))
        {
            throw new InvalidDataException(
                $"{name}: the normalizer is {string.Join(", ", normalizers)}; none or NFC is read for byte-level BPE."
            );
        }

        if (
            Optional(model, "continuing_subword_prefix") is not null and not ""
            || Optional(model, "end_of_word_suffix") is not null and not ""
        )
        {
            throw new InvalidDataException($"{name}: prefixes or suffixes of subwords are not read.");
        }

        return new ByteLevelTokenizer(
            vocabulary,
            new WordSplitter(Expressions(root, name)),
            wholeWordsFirst: Flag(model, "ignore_merges"),
            composed: normalizers.Length > 0
        );
    }

    private static List<string> Expressions(JsonElement root, string name)
    {
        var expressions = new List<string>();
        bool spelled = false;
        foreach (JsonElement step in Steps(root, "pre_tokenizer", "pretokenizers"))
        {
            string? expression = Kind(step) switch
            {
                "Split" when Optional(step, "behavior") == "Isolated" && !Flag(step, "invert") => step.GetProperty(
                        "pattern"
                    )
                    .GetProperty("Regex")
                    .GetString(),
                "Digits" when Flag(step, "individual_digits") => WordSplitter.Digits,
                "ByteLevel" when !Flag(step, "add_prefix_space") => Flag(step, "use_regex", otherwise: true)
                    ? WordSplitter.Gpt2
                    : "",
                _ => throw new InvalidDataException(
                    $"{name}: the pre-tokenizer {InputFile.OneLine(step.GetRawText())} is not read; Split (isolated), "
                        + "Digits (individual) and ByteLevel (without a prefixed blank) are."
                ),
            };
            spelled |= Kind(step) == "ByteLevel";
            if (!string.IsNullOrEmpty(expression))
            {
                if (OtherCategory().Match(expression) is { Success: true } other)
                {
                    throw new InvalidDataException(
                        $"{name}: the pre-tokenizer's expression names {other.Value}; letters and numbers "
                            + "(\\p{L}, \\p{N}) are told apart here, other kinds of characters are not."
                    );
                }

                if (expressions.Count == MaxExpressions || expression.Length > MaxExpressionCharacters)
                {
                    throw new InvalidDataException(
                        $"{name}: more than {MaxExpressions} expressions of pre-tokenizers, or one of more than "
                            + $"{MaxExpressionCharacters:N0} characters, are not read."
                    );
                }

                expressions.Add(expression);
            }
        }

        return spelled
            ? expressions
            : throw new InvalidDataException(
                $"{name}: neither byte fallback nor a ByteLevel pre-tokenizer; other BPE is not read."
            );
    }

    private static (Dictionary<string, int> Controls, Dictionary<string, int> Added) ReadAdded(
        JsonElement root,
        string name
    )
    {
        var controls = new Dictionary<string, int>(StringComparer.Ordinal);
        var added = new Dictionary<string, int>(StringComparer.Ordinal);
        if (!root.TryGetProperty("added_tokens", out JsonElement tokens) || tokens.ValueKind != JsonValueKind.Array)
        {
            return (controls, added);
        }

        foreach (JsonElement token in tokens.EnumerateArray())
        {
            string content =
                token.GetProperty("content").GetString()
                ?? throw new InvalidDataException($"{name}: an added token has no text.");
            bool control = Flag(token, "special");
            if (
                !control
                && (Flag(token, "single_word") || Flag(token, "lstrip") || Flag(token, "rstrip") || content.Length == 0)
            )
            {
                throw new InvalidDataException(
                    $"{name}: the added token '{content}' has single_word, lstrip or rstrip, which are not read."
                );
            }

            (control ? controls : added)[content] = IdOf(token.GetProperty("id"), content, name);
        }

        return (controls, added);
    }

    /// <summary>A normalizer or pre-tokenizer as the list of its steps; none: empty.</summary>
    private static List<JsonElement> Steps(JsonElement root, string key, string inner)
    {
        if (!root.TryGetProperty(key, out JsonElement step) || step.ValueKind != JsonValueKind.Object)
        {
            return [];
        }

        return Kind(step) == "Sequence" ? [.. step.GetProperty(inner).EnumerateArray()] : [step];
    }

    /// <summary>Both forms: <c>"a b"</c> (until 2024) and <c>["a", "b"]</c>.</summary>
    private static (string Left, string Right) ReadMerge(JsonElement merge, string name)
    {
        if (merge.ValueKind == JsonValueKind.Array && merge.GetArrayLength() == 2)
        {
            (string? left, string? right) = (merge[0].GetString(), merge[1].GetString());
            return left is not null && right is not null ? (left, right) : throw NotMerge(merge, name);
        }

        string? pair = merge.ValueKind == JsonValueKind.String ? merge.GetString() : null;
        int blank = pair is { Length: > 1 } ? pair.IndexOf(' ', 1) : -1;
        return blank > 0 ? (pair![..blank], pair[(blank + 1)..]) : throw NotMerge(merge, name);
    }

    private static InvalidDataException NotMerge(JsonElement merge, string name) =>
        new($"{name}: {InputFile.OneLine(merge.GetRawText())} is not a merge.");

    /// <summary>An id: from 0, and not so far that a table of all would not fit.</summary>
    private static int IdOf(JsonElement value, string piece, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id is >= 0 and < MaxIds
            ? id
            : throw new InvalidDataException(
                $"{name}: the id of '{InputFile.OneLine(piece)}' is {InputFile.OneLine(value.GetRawText())}; ids are "
                    + $"whole numbers from 0 to {MaxIds - 1:N0}."
            );

    private const int MaxIds = 1 << 24;
    private const int MaxExpressions = 16;
    private const int MaxExpressionCharacters = 4000;

    // models before 2020 do not say theirs
    private static string Kind(JsonElement element) => Optional(element, "type") ?? "BPE";

    private static string? Optional(JsonElement element, string key) =>
        element.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static bool Flag(JsonElement element, string key, bool otherwise = false) =>
        element.TryGetProperty(key, out JsonElement value) ? value.ValueKind == JsonValueKind.True : otherwise;

    [GeneratedRegex(@"\\[pP]\{(?!L\}|N\})[^}]*\}")]
    private static partial Regex OtherCategory();
}
