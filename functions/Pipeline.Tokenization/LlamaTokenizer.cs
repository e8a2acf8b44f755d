using System.Text;
using System.Text.Json;

namespace Pipeline.Tokenization;

/// <summary>
/// A byte-pair tokenizer in the Llama-2 layout, read from <c>tokenizer.json</c>: blanks become U+2581, one is put in
/// front, pieces outside the vocabulary fall back to bytes. Text is only ever text: control tokens are never parsed out of it.
/// </summary>
/// <remarks>
/// Format: huggingface/tokenizers, <c>tokenizers/src/models/bpe</c>. Merging takes the pair of the lowest rank first,
/// the leftmost on ties. Instances are immutable and may be shared between threads.
/// </remarks>
public sealed class LlamaTokenizer
{
    private const char Blank = '\u2581';
    private readonly string[] _pieces;
    private readonly Dictionary<string, int> _ids;
    private readonly PairMerger _merger;
    private readonly int[] _byteIds;

    private LlamaTokenizer(string[] pieces, Dictionary<string, int> ids, PairMerger merger, int[] byteIds, int bosId, int eosId)
    {
        (_pieces, _ids, _merger, _byteIds) = (pieces, ids, merger, byteIds);
        (BosId, EosId) = (bosId, eosId);
    }

    /// <summary>Number of ids, 0 to this less one.</summary>
    public int VocabularySize => _pieces.Length;

    /// <summary>The id of <c>&lt;s&gt;</c>.</summary>
    public int BosId { get; }

    /// <summary>The id of <c>&lt;/s&gt;</c>.</summary>
    public int EosId { get; }

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="directory">A base model's folder.</param>
    /// <exception cref="FileNotFoundException">No tokenizer.json there.</exception>
    /// <exception cref="InvalidDataException">It is not a tokenizer of this layout.</exception>
    public static LlamaTokenizer FromDirectory(string directory)
    {
        string path = Path.Combine(directory, "tokenizer.json");
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"The base in '{directory}' has no tokenizer.json.", path);
        }

        return FromJson(File.ReadAllBytes(path), path);
    }

    /// <summary>Reads a tokenizer from the bytes of a tokenizer.json.</summary>
    /// <param name="json">The file.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <exception cref="InvalidDataException">It is not a tokenizer of this layout.</exception>
    public static LlamaTokenizer FromJson(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return TokenizerFile.Read(document.RootElement, name, Build);
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"{name} is not a tokenizer.json of the Llama-2 layout: {fault.Message}", fault);
        }
    }

    /// <summary>The ids of <paramref name="text"/>, with neither BOS nor EOS. An empty text has none.</summary>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0)
        {
            return [];
        }

        string normalized = Blank + text.Replace(' ', Blank);
        var symbols = new List<int>(normalized.Length);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (Rune rune in normalized.EnumerateRunes())
        {
            if (_ids.TryGetValue(rune.ToString(), out int id))
            {
                symbols.Add(id);
                continue;
            }

            int length = rune.EncodeToUtf8(utf8);
            for (int i = 0; i < length; i++)
            {
                symbols.Add(_byteIds[utf8[i]]);
            }
        }

        return _merger.Merge(symbols);
    }

    /// <summary>The text of <paramref name="ids"/>: control tokens are left out, bytes that are not UTF-8 become U+FFFD, the first blank is dropped.</summary>
    public string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var bytes = new List<byte>();
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, _pieces.Length);
            if (id == BosId || id == EosId)
            {
                continue;
            }

            int value = Array.IndexOf(_byteIds, id);
            if (value >= 0)
            {
                bytes.Add((byte)value);
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(_pieces[id].Replace(Blank, ' ')));
            }
        }

        string text = Encoding.UTF8.GetString([.. bytes]);
        return text.StartsWith(' ') ? text[1..] : text;
    }

    private static LlamaTokenizer Build(Dictionary<string, int> ids, List<(string Left, string Right)> merges, string name)
    {
        var pieces = new string[ids.Count];
        foreach ((string piece, int id) in ids)
        {
            pieces[id] = piece;
        }

        var byteIds = new int[256];
        for (int i = 0; i < 256; i++)
        {
            byteIds[i] = ids.TryGetValue($"<0x{i:X2}>", out int id) ? id : throw new InvalidDataException($"{name} lacks the byte piece <0x{i:X2}>: only vocabularies with byte fallback are read.");
        }

        return new LlamaTokenizer(pieces, ids, new PairMerger(ids, merges), byteIds, ids["<s>"], ids["</s>"]);
    }
}
