using System.Text;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// A byte-level byte-pair tokenizer, as Llama 3, Qwen and SmolLM have: the text is split into words by a regular
/// expression, each word's UTF-8 bytes are spelled as characters and merged.
/// </summary>
/// <remarks>
/// Formats: huggingface/tokenizers, <c>pre_tokenizers/byte_level.rs</c> and <c>models/bpe</c>; the spelling of bytes is
/// GPT-2's (openai/gpt-2, <c>src/encoder.py</c>).
/// </remarks>
internal sealed class ByteLevelTokenizer : Tokenizer
{
    private static readonly char[] CharOfByte = Spelling();
    private static readonly Dictionary<char, byte> ByteOfChar = CharOfByte
        .Index()
        .ToDictionary(c => c.Item, c => (byte)c.Index);
    private readonly string[] _pieces;
    private readonly Dictionary<string, int> _ids;
    private readonly PairMerger _merger;
    private readonly AddedTokens _added;
    private readonly WordSplitter _splitter;
    private readonly bool _wholeWordsFirst;
    private readonly bool _composed;
    private readonly int[] _symbolOfByte = new int[256];
    private readonly HashSet<int> _addedIds;
    private readonly WordCache _words = new();

    /// <summary>Builds a tokenizer.</summary>
    /// <param name="vocabulary">Pieces, merges, control and added tokens.</param>
    /// <param name="splitter">Text to words.</param>
    /// <param name="wholeWordsFirst">A word that is a piece is that piece, whatever the merges
    /// (<c>ignore_merges</c>).</param>
    /// <param name="composed">Texts are put into Unicode's form C first.</param>
    /// <exception cref="InvalidDataException">A byte's piece is missing.</exception>
    public ByteLevelTokenizer(
        TokenizerVocabulary vocabulary,
        WordSplitter splitter,
        bool wholeWordsFirst,
        bool composed
    )
        : base(vocabulary.Ids.Values.Max() + 1, vocabulary.Controls)
    {
        (Dictionary<string, int> ids, _merger, _, Dictionary<string, int> added, string name) = vocabulary;
        (_ids, _added, _splitter, _wholeWordsFirst, _composed) = (
            ids,
            new AddedTokens(added),
            splitter,
            wholeWordsFirst,
            composed
        );
        _addedIds = [.. added.Values];
        _pieces = new string[VocabularySize];
        foreach ((string piece, int id) in ids)
        {
            _pieces[id] = piece;
        }

        for (int i = 0; i < 256; i++)
        {
            _symbolOfByte[i] = ids.TryGetValue(CharOfByte[i].ToString(), out int id)
                ? id
                : throw new InvalidDataException($"{name} lacks the piece of the byte 0x{i:X2}.");
        }
    }

    public override int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var result = new List<int>();
        foreach ((string piece, int id) in _added.Split(text))
        {
            if (id >= 0)
            {
                result.Add(id);
                continue;
            }

            string whole = Whole(piece);
            foreach (string word in _splitter.Split(_composed ? UnicodeText.Compose(whole) : whole))
            {
                result.AddRange(_words.Encode(word, EncodeWord));
            }
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
            if (id >= _pieces.Length || IsControl(id) || _pieces[id] is not { } piece)
            {
                continue;
            }

            if (_addedIds.Contains(id) || !piece.All(ByteOfChar.ContainsKey))
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(piece));
                continue;
            }

            foreach (char c in piece)
            {
                bytes.Add(ByteOfChar[c]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private int[] EncodeWord(string word)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(word);
        return _wholeWordsFirst && _ids.TryGetValue(string.Concat(utf8.Select(b => CharOfByte[b])), out int whole)
            ? [whole]
            : _merger.Merge([.. utf8.Select(b => _symbolOfByte[b])]);
    }

    /// <summary>A text without halves of surrogate pairs, which are no characters.</summary>
    private static string Whole(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            return text;
        }

        var whole = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            whole.Append(rune.ToString());
        }

        return whole.ToString();
    }

    /// <summary>Printable bytes are spelled as themselves, the others as the characters from U+0100 on.</summary>
    private static char[] Spelling()
    {
        var spelling = new char[256];
        char next = '\u0100';
        for (int i = 0; i < 256; i++)
        {
            spelling[i] = i is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF) ? (char)i : next++;
        }

        return spelling;
    }
}
