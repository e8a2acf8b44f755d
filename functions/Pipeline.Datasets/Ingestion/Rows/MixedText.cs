using System.Text;
using UtfUnknown;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>
/// A file's text, whatever its encoding: told by its byte order mark, else by trying UTF-8, else by statistics. What is
/// no UTF-8 in a file that otherwise is becomes what it was before two sources were mixed: Windows-1252. The repairs
/// are counted.
/// </summary>
internal sealed class MixedText : IDisposable
{
    private const int SampleBytes = 1 << 18;
    private const double LeastConfidence = 0.6;
    private static readonly Encoding Windows1252 = CodePagesEncodingProvider.Instance.GetEncoding(1252)!;
    private readonly Stream _bytes;
    private readonly Encoding _encoding;
    private readonly LineOffsets _offsets;
    private readonly Repair? _repair;
    private readonly BoundedLines _lines;

    private MixedText(
        Stream bytes,
        (Encoding Encoding, int Width, string Name, Repair? Repair) detected,
        RowRange range,
        InputBudget budget
    )
    {
        (_bytes, _encoding, _repair, EncodingName) = (bytes, detected.Encoding, detected.Repair, detected.Name);
        _offsets = new LineOffsets(bytes, detected.Width, range);
        bytes.Position = range.Start;
        IsByteWise = detected.Width == 1;
        Reader = new StreamReader(_offsets, _encoding, detectEncodingFromByteOrderMarks: range.Start == 0, 1 << 16);
        _lines = new BoundedLines(Reader, budget.RowCharacters);
    }

    /// <summary>The text, for readers by characters; in the place of <see cref="ReadLine"/>, not beside it.</summary>
    public StreamReader Reader { get; }

    /// <summary>The encoding for people.</summary>
    public string EncodingName { get; }

    /// <summary>Whether a character's bytes mean the same wherever reading begins.</summary>
    public bool IsByteWise { get; }

    /// <summary>Whether a carriage return without a line feed was met so far.</summary>
    public bool HasLoneReturns => _offsets.HasLoneReturns;

    /// <summary>Bytes so far that were not UTF-8 in a file that otherwise is.</summary>
    public int Repaired => _repair?.Count ?? 0;

    /// <summary>Whether what was read so far are the file's own bytes, when it is read as UTF-8.</summary>
    public bool IsAsItWas => _repair is { Count: 0 };

    /// <summary>
    /// Opens a file, or a part of it, as text; the encoding is told from the file's beginning either way.
    /// </summary>
    public static MixedText Open(RawFile file, InputBudget? budget = null, RowRange? range = null)
    {
        byte[] sample = file.Head(SampleBytes);
        return new MixedText(
            file.Open(),
            Tell(sample, sample.Length < file.Length),
            range ?? RowRange.Whole,
            budget ?? InputBudget.Default
        );
    }

    /// <summary>The next line; of one that is longer than a row may be its beginning; <c>null</c>: the end.</summary>
    public string? ReadLine() => _lines.ReadLine();

    /// <summary>Whether the last line was longer than a row may be.</summary>
    public bool LineIsCut => _lines.IsCut;

    /// <summary>
    /// The text as UTF-8 bytes, byte order mark and all; in the place of <see cref="Reader"/>, not beside it.
    /// </summary>
    public Stream AsUtf8() => Encoding.CreateTranscodingStream(_bytes, _encoding, new UTF8Encoding(false));

    /// <summary>The byte at which a line begins; asked for in order, each line once at most.</summary>
    public long OffsetOf(int line) => _offsets.OffsetOf(line);

    /// <summary>Whether the bytes are text at all in one of the encodings known here.</summary>
    public static bool LooksLikeText(ReadOnlySpan<byte> head) =>
        HasMark(head) || Utf16WithoutMark(head) is not null || !head.Contains((byte)0);

    public void Dispose() => Reader.Dispose();

    private static (Encoding Encoding, int Width, string Name, Repair? Repair) Tell(byte[] sample, bool goesOn)
    {
        if (sample.AsSpan().StartsWith(Encoding.UTF32.Preamble))
        {
            return (Encoding.UTF32, 4, "UTF-32", null);
        }

        if (sample.AsSpan().StartsWith(Encoding.Unicode.Preamble) || Utf16WithoutMark(sample) == Encoding.Unicode)
        {
            return (Encoding.Unicode, 2, "UTF-16", null);
        }

        if (
            sample.AsSpan().StartsWith(Encoding.BigEndianUnicode.Preamble)
            || Utf16WithoutMark(sample) == Encoding.BigEndianUnicode
        )
        {
            return (Encoding.BigEndianUnicode, 2, "UTF-16 (big-endian)", null);
        }

        (int valid, int broken) = CountUtf8(sample, goesOn);
        bool single = broken > 10 * valid; // next to nothing is UTF-8; where much is, the rest is repaired byte by byte
        if (single && Detected(sample, broken) is { } other)
        {
            return (other, 1, other.WebName, null);
        }

        if (single)
        {
            return (Windows1252, 1, "ISO-8859-1 or Windows-1252", null);
        }

        var repair = new Repair(Windows1252);
        return (Encoding.GetEncoding("utf-8", EncoderFallback.ReplacementFallback, repair), 1, "UTF-8", repair);
    }

    /// <summary>
    /// Another script's encoding, by statistics. They need something to count: a few accents among Latin letters say
    /// nothing (a French word in English text was once told to be DOS code page 852), and are Windows-1252 far more
    /// often than not.
    /// </summary>
    private static Encoding? Detected(byte[] sample, int broken)
    {
        const double LeastShare = 0.03;
        return
            broken >= LeastShare * sample.Length
            && CharsetDetector.DetectFromBytes(sample).Detected is { } found
            && found.Confidence >= LeastConfidence
            && found.Encoding is { CodePage: not (28591 or 1252 or 20127 or 65001) } other
            && Fits(other, sample)
            ? other
            : null;
    }

    /// <summary>
    /// Whether every byte is one of that encoding, but for a character that the sample's end cuts; and whether its
    /// ideographs and syllables stand together, not within words of Latin letters, as misread umlauts do.
    /// </summary>
    private static bool Fits(Encoding encoding, byte[] sample)
    {
        const char Replacement = '\uFFFD';
        const int MaxCut = 1;
        var marked = (Encoding)encoding.Clone();
        marked.DecoderFallback = new DecoderReplacementFallback($"{Replacement}");
        string text = marked.GetString(sample);
        const char FirstIdeograph = '\u2E80';
        const double MaxWithinWords = 0.2;
        int wide = text.Count(c => c >= FirstIdeograph && c != Replacement);
        int within = Enumerable
            .Range(1, Math.Max(0, text.Length - 2))
            .Count(i =>
                text[i] >= FirstIdeograph && char.IsAsciiLetter(text[i - 1]) && char.IsAsciiLetter(text[i + 1])
            );
        return text.Count(c => c == Replacement) <= MaxCut && within <= MaxWithinWords * wide;
    }

    private static bool HasMark(ReadOnlySpan<byte> head) =>
        head.StartsWith(Encoding.Unicode.Preamble)
        || head.StartsWith(Encoding.BigEndianUnicode.Preamble)
        || head.StartsWith(Encoding.UTF32.Preamble);

    /// <summary>Text in Latin letters has a zero in every other byte.</summary>
    private static Encoding? Utf16WithoutMark(ReadOnlySpan<byte> head)
    {
        const int Fewest = 8;
        if (head.Length < Fewest)
        {
            return null;
        }

        (int even, int odd) = (0, 0);
        for (int i = 0; i + 1 < head.Length; i += 2)
        {
            even += head[i] == 0 ? 1 : 0;
            odd += head[i + 1] == 0 ? 1 : 0;
        }

        int pairs = head.Length / 2;
        return odd > pairs * 0.7 && even < pairs * 0.05 ? Encoding.Unicode
            : even > pairs * 0.7 && odd < pairs * 0.05 ? Encoding.BigEndianUnicode
            : null;
    }

    /// <summary>Characters beyond ASCII that are UTF-8, and bytes that are none.</summary>
    private static (int Valid, int Broken) CountUtf8(ReadOnlySpan<byte> bytes, bool goesOn)
    {
        (int valid, int broken) = (0, 0);
        while (!bytes.IsEmpty)
        {
            System.Buffers.OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int consumed);
            if (status == System.Buffers.OperationStatus.NeedMoreData && goesOn)
            {
                break; // the sample ends within a character
            }

            valid += status == System.Buffers.OperationStatus.Done && rune.Value >= 0x80 ? 1 : 0;
            broken += status == System.Buffers.OperationStatus.Done ? 0 : consumed;
            bytes = bytes[consumed..];
        }

        return (valid, broken);
    }

    /// <summary>Reads bytes that are no UTF-8 by another code page.</summary>
    private sealed class Repair(Encoding other) : DecoderFallback
    {
        public int Count { get; private set; }
        public override int MaxCharCount => 4;

        public override DecoderFallbackBuffer CreateFallbackBuffer() => new Held(this, other);

        private sealed class Held(Repair repair, Encoding other) : DecoderFallbackBuffer
        {
            private string _text = "";
            private int _at;

            public override int Remaining => _text.Length - _at;

            public override bool Fallback(byte[] bytesUnknown, int index)
            {
                repair.Count += bytesUnknown.Length;
                _text = other.GetString(bytesUnknown);
                _at = 0;
                return _text.Length > 0;
            }

            public override char GetNextChar() => _at < _text.Length ? _text[_at++] : '\0';

            public override bool MovePrevious() => _at > 0 && _at-- > 0;

            public override void Reset() => (_text, _at) = ("", 0);
        }
    }
}
