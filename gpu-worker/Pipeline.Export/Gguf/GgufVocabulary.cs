using System.Globalization;
using System.Text.Json;
using Pipeline.Contracts;

namespace Pipeline.Export.Gguf;

/// <summary>
/// A tokenizer.json as GGUF metadata: pieces, scores, types and merges. Source: llama.cpp,
/// <c>convert_hf_to_gguf.py</c> and <c>gguf-py/gguf/constants.py</c> (TokenType).
/// </summary>
internal sealed class GgufVocabulary
{
    private const float BareCharacter = -1e6f; // never preferred to a merge
    private readonly JsonElement _root;
    private readonly string _path;
    private readonly bool _hasByteFallback; // the layout of SentencePiece
    private readonly string[] _tokens;
    private readonly float[] _scores;
    private readonly TokenKind[] _kinds;
    private readonly string[] _merges;

    private GgufVocabulary(JsonElement root, string path, int size)
    {
        (_root, _path) = (root, path);
        JsonElement model = root.GetProperty("model");
        _hasByteFallback =
            model.TryGetProperty("byte_fallback", out JsonElement fallback) && fallback.ValueKind == JsonValueKind.True;
        (_tokens, _scores, _kinds) = (new string[size], new float[size], new TokenKind[size]);
        _merges = [.. model.GetProperty("merges").EnumerateArray().Select(MergeOf)];
        foreach (JsonProperty piece in model.GetProperty("vocab").EnumerateObject())
        {
            Set(piece.Value.GetInt32(), piece.Name, KindOf(piece.Name));
        }

        if (root.TryGetProperty("added_tokens", out JsonElement added) && added.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement token in added.EnumerateArray())
            {
                string text = token.GetProperty("content").GetString()!;
                TokenKind kind =
                    text == "<unk>" ? TokenKind.Unknown
                    : token.GetProperty("special").GetBoolean() ? TokenKind.Control
                    : TokenKind.UserDefined;
                Set(token.GetProperty("id").GetInt32(), text, kind);
            }
        }

        for (int id = 0; id < size; id++)
        {
            if (_tokens[id] is null) // a row that pads the embeddings
            {
                Set(id, string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]"), TokenKind.Unused);
            }
        }

        Score();
    }

    /// <summary>Reads a model's tokenizer.json.</summary>
    /// <param name="directory">The model's folder.</param>
    /// <param name="size">Rows of the embeddings.</param>
    /// <exception cref="InvalidDataException">There is none, or it does not fit the embeddings.</exception>
    public static GgufVocabulary Read(string directory, int size)
    {
        string path = Path.Combine(directory, "tokenizer.json");
        if (!File.Exists(path))
        {
            throw new InvalidDataException(
                $"'{directory}' has no tokenizer.json. A tokenizer.model alone is not exported: save it once with "
                    + "transformers' fast tokenizer, which writes tokenizer.json."
            );
        }

        using JsonDocument document = InputFile.ReadJson(path, InputFile.TokenizerMegabytes);
        return new GgufVocabulary(document.RootElement.Clone(), path, size);
    }

    /// <summary>The keys <c>tokenizer.ggml.…</c>, without those of single tokens.</summary>
    public IEnumerable<KeyValuePair<string, object>> Metadata()
    {
        yield return new("tokenizer.ggml.model", _hasByteFallback ? "llama" : "gpt2");
        yield return new("tokenizer.ggml.pre", _hasByteFallback ? "default" : PreTokenizer());
        yield return new("tokenizer.ggml.tokens", _tokens);
        yield return new("tokenizer.ggml.token_type", (int[])[.. _kinds.Select(k => (int)k)]);
        if (_hasByteFallback)
        {
            yield return new("tokenizer.ggml.scores", _scores);
            yield return new("tokenizer.ggml.add_space_prefix", HasSpacePrefix());
        }
        else
        {
            yield return new("tokenizer.ggml.merges", _merges);
        }
    }

    private void Set(int id, string piece, TokenKind kind)
    {
        if (id >= _tokens.Length)
        {
            throw new InvalidDataException(
                $"{_path}: the piece '{InputFile.OneLine(piece)}' has the id {id}; the model has {_tokens.Length} "
                    + "embeddings."
            );
        }

        (_tokens[id], _kinds[id]) = (piece, kind);
    }

    /// <summary>
    /// SentencePiece merges by score, tokenizer.json by rank: the first merge that makes a piece gives its score.
    /// </summary>
    private void Score()
    {
        var rankOf = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((int rank, string merge) in _merges.Index())
        {
            int blank = merge.IndexOf(' ', 1);
            rankOf.TryAdd(merge[..blank] + merge[(blank + 1)..], rank);
        }

        for (int id = 0; id < _tokens.Length; id++)
        {
            _scores[id] =
                _kinds[id] != TokenKind.Normal ? 0
                : rankOf.TryGetValue(_tokens[id], out int rank) ? -rank
                : BareCharacter;
        }
    }

    /// <summary>Both forms: <c>"a b"</c> (until 2024) and <c>["a", "b"]</c>.</summary>
    private static string MergeOf(JsonElement merge) =>
        merge.ValueKind == JsonValueKind.Array ? $"{merge[0].GetString()} {merge[1].GetString()}" : merge.GetString()!;

    private TokenKind KindOf(string piece) =>
        !_hasByteFallback ? TokenKind.Normal
        : piece == "<unk>" ? TokenKind.Unknown
        : piece is "<s>" or "</s>" ? TokenKind.Control
        : piece.Length == 6 && piece.StartsWith("<0x", StringComparison.Ordinal) && piece[5] == '>' ? TokenKind.Byte
        : TokenKind.Normal;

    private bool HasSpacePrefix() => Has("normalizer", "\"Prepend\"") || Has("pre_tokenizer", "\"Metaspace\"");

    /// <summary>llama.cpp's name of the way in which words are split; it takes no expressions.</summary>
    private string PreTokenizer() =>
        Has("pre_tokenizer", @"\\p{N}{1,3}") ? "llama-bpe"
        : Has("pre_tokenizer", @"|\\p{N}|") ? "qwen2"
        : throw new InvalidDataException(
            $"{_path}: llama.cpp has no name for the way in which it splits words; Llama 3's and Qwen 2's are exported."
        );

    private bool Has(string key, string text) =>
        _root.TryGetProperty(key, out JsonElement element)
        && element.GetRawText().Contains(text, StringComparison.Ordinal);

    /// <summary>Kinds of tokens: llama.cpp, <c>include/llama.h</c> (llama_token_type).</summary>
    private enum TokenKind
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }
}
