using System.Text;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// A byte-pair tokenizer in the SentencePiece layout of Llama 2, TinyLlama and Mistral: blanks become U+2581, one is
/// put in front, pieces outside the vocabulary fall back to bytes.
/// </summary>
/// <remarks>
/// Formats: huggingface/tokenizers, <c>tokenizers/src/models/bpe</c>; google/sentencepiece, <c>src/bpe_model.cc</c>.
/// Merging takes the best pair first, the leftmost on ties.
/// </remarks>
internal sealed class LlamaTokenizer : Tokenizer
{
    private const char Blank = '\u2581';
    private readonly string[] _pieces;
    private readonly Dictionary<string, int> _ids;
    private readonly PairMerger _merger;
    private readonly AddedTokens _added;
    private readonly BlankPrefix _prefix;
    private readonly int[] _byteIds = new int[256];
    private readonly int[] _byteOf; // by id; -1 where the piece is not a byte
    private readonly WordCache? _words; // null where a merge may go across a border of words

    /// <summary>Builds a tokenizer.</summary>
    /// <param name="ids">Pieces, control tokens among them, with ids from 0 without gaps.</param>
    /// <param name="merger">Over those ids.</param>
    /// <param name="controls">Control tokens by text.</param>
    /// <param name="added">Ordinary tokens that stand for themselves.</param>
    /// <param name="prefix">When a blank is put in front.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="InvalidDataException">A byte piece is missing.</exception>
    public LlamaTokenizer(
        Dictionary<string, int> ids,
        PairMerger merger,
        IReadOnlyDictionary<string, int> controls,
        AddedTokens added,
        BlankPrefix prefix,
        string name
    )
        : base(ids.Count, controls)
    {
        (_ids, _merger, _added, _prefix) = (ids, merger, added, prefix);
        _pieces = new string[ids.Count];
        foreach ((string piece, int id) in ids)
        {
            _pieces[id] = piece;
        }

        _byteOf = new int[ids.Count];
        Array.Fill(_byteOf, -1);
        for (int i = 0; i < 256; i++)
        {
            _byteIds[i] = ids.TryGetValue($"<0x{i:X2}>", out int id)
                ? id
                : throw new InvalidDataException(
                    $"{name} lacks the byte piece <0x{i:X2}>: only vocabularies with byte fallback are read."
                );
            _byteOf[_byteIds[i]] = i;
        }

        _words = merger.Merged.All(id => IsWithinAWord(_pieces[id])) ? new WordCache() : null;
    }

    public override int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var result = new List<int>();
        bool first = true;
        foreach ((string piece, int id) in _added.Split(text))
        {
            if (id >= 0)
            {
                result.Add(id);
            }
            else
            {
                EncodeText(Normalized(piece, first), result);
            }

            first = false;
        }

        return [.. result];
    }

    public override string Decode(IEnumerable<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        var bytes = new List<byte>();
        foreach (int id in ids)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id, nameof(ids));
            if (id >= _pieces.Length || IsControl(id))
            {
                continue;
            }

            if (_byteOf[id] >= 0)
            {
                bytes.Add((byte)_byteOf[id]);
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(_pieces[id].Replace(Blank, ' ')));
            }
        }

        string text = Encoding.UTF8.GetString([.. bytes]);
        return _prefix != BlankPrefix.Never && text.StartsWith(' ') ? text[1..] : text;
    }

    /// <summary>
    /// Whether no blank follows another character in a piece. Where that holds of all merges, words merge each by
    /// itself, whatever stands around them.
    /// </summary>
    private static bool IsWithinAWord(string piece)
    {
        int at = piece.LastIndexOf(Blank);
        return at <= 0 || piece.AsSpan(0, at).IndexOfAnyExcept(Blank) < 0;
    }

    /// <summary>Word by word, each with the blanks before it, where that is the same.</summary>
    private void EncodeText(string text, List<int> result)
    {
        if (_words is null)
        {
            result.AddRange(_merger.Merge(Symbols(text)));
            return;
        }

        for (int from = 0, to; from < text.Length; from = to)
        {
            for (to = from + 1; to < text.Length && (text[to] != Blank || text[to - 1] == Blank); to++)
            {
                // a word goes on until a blank follows another character
            }

            result.AddRange(_words.Encode(text.AsSpan(from, to - from), word => _merger.Merge(Symbols(word))));
        }
    }

    private string Normalized(string text, bool first)
    {
        bool prefixed = _prefix switch
        {
            BlankPrefix.Always => true,
            BlankPrefix.WhereMissing => text[0] is not (' ' or Blank),
            BlankPrefix.FirstWhereMissing => first && text[0] is not (' ' or Blank),
            _ => false,
        };
        return (prefixed ? Blank + text : text).Replace(' ', Blank);
    }

    private List<int> Symbols(string normalized)
    {
        var symbols = new List<int>(normalized.Length);
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> ids = _ids.GetAlternateLookup<ReadOnlySpan<char>>();
        Span<byte> utf8 = stackalloc byte[4];
        Span<char> utf16 = stackalloc char[2];
        foreach (Rune rune in normalized.EnumerateRunes())
        {
            if (ids.TryGetValue(utf16[..rune.EncodeToUtf16(utf16)], out int id))
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

        return symbols;
    }
}

/// <summary>When a blank is put before a text.</summary>
internal enum BlankPrefix
{
    /// <summary>Never.</summary>
    Never,

    /// <summary>Before every piece of text (SentencePiece's dummy prefix; the normalizer Prepend).</summary>
    Always,

    /// <summary>Before every piece that does not begin with one (Metaspace, always).</summary>
    WhereMissing,

    /// <summary>Before the first piece where it does not begin with one (Metaspace, first).</summary>
    FirstWhereMissing,
}
