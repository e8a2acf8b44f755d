using Google.Protobuf;

namespace Pipeline.Tokenization.Tokenizers;

/// <summary>
/// Reads SentencePiece's <c>tokenizer.model</c>. Format: google/sentencepiece, <c>src/sentencepiece_model.proto</c>.
/// </summary>
internal static class SentencePieceModel
{
    private const int ModelPieces = 1;
    private const int ModelTrainer = 2;
    private const int ModelNormalizer = 3;
    private const int Bpe = 2;

    /// <summary>Reads a model.</summary>
    /// <param name="bytes">The file.</param>
    /// <param name="name">Its name, for messages.</param>
    /// <exception cref="InvalidDataException">It is not a BPE model with byte fallback and the normalizer of Llama
    /// 2.</exception>
    public static Tokenizer Read(byte[] bytes, string name)
    {
        try
        {
            var pieces = new List<Piece>();
            var trainer = new Dictionary<int, object>();
            var normalizer = new Dictionary<int, object>();
            foreach ((int field, object value) in Fields(bytes))
            {
                switch (field)
                {
                    case ModelPieces:
                        pieces.Add(ReadPiece((ByteString)value));
                        break;
                    case ModelTrainer:
                        trainer = Fields(((ByteString)value).ToByteArray())
                            .GroupBy(f => f.Field)
                            .ToDictionary(f => f.Key, f => f.Last().Value);
                        break;
                    case ModelNormalizer:
                        normalizer = Fields(((ByteString)value).ToByteArray())
                            .GroupBy(f => f.Field)
                            .ToDictionary(f => f.Key, f => f.Last().Value);
                        break;
                }
            }

            return Build(pieces, trainer, normalizer, name);
        }
        catch (Exception fault)
            when (fault is InvalidProtocolBufferException or InvalidCastException or ArgumentException)
        {
            throw new InvalidDataException($"{name} is not a SentencePiece model: {fault.Message}", fault);
        }
    }

    private static LlamaTokenizer Build(
        List<Piece> pieces,
        Dictionary<int, object> trainer,
        Dictionary<int, object> normalizer,
        string name
    )
    {
        const int TrainerModelType = 3;
        const int NormalizerCharsMap = 2,
            NormalizerDummyPrefix = 3,
            NormalizerRemoveBlanks = 4,
            NormalizerEscapeBlanks = 5;
        if (Number(trainer, TrainerModelType, 1) != Bpe)
        {
            throw new InvalidDataException($"{name}: only BPE models of SentencePiece are read.");
        }

        bool rewrites = normalizer.GetValueOrDefault(NormalizerCharsMap) is ByteString { Length: > 0 };
        if (
            rewrites
            || Number(normalizer, NormalizerRemoveBlanks, 1) != 0
            || Number(normalizer, NormalizerEscapeBlanks, 1) != 1
        )
        {
            throw new InvalidDataException(
                $"{name}: its normalizer rewrites texts (a character map, or blanks taken away); only the identity, "
                    + "as Llama 2 has it, is read."
            );
        }

        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        var merging = new Dictionary<string, int>(StringComparer.Ordinal);
        var controls = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach ((int id, Piece piece) in pieces.Index())
        {
            if (!ids.TryAdd(piece.Text, id))
            {
                throw new InvalidDataException($"{name} has the piece '{piece.Text}' twice.");
            }

            switch (piece.Kind)
            {
                case PieceKind.Normal:
                    merging[piece.Text] = id;
                    break;
                case PieceKind.Control or PieceKind.Unknown:
                    controls[piece.Text] = id;
                    break;
                case PieceKind.UserDefined:
                    throw new InvalidDataException(
                        $"{name} has the user-defined piece '{piece.Text}'; models with such pieces are not read."
                    );
            }
        }

        PairMerger merger = PairMerger.FromScores(merging, [.. pieces.Select(p => p.Score)]);
        BlankPrefix prefix = Number(normalizer, NormalizerDummyPrefix, 1) == 1 ? BlankPrefix.Always : BlankPrefix.Never;
        return new LlamaTokenizer(ids, merger, controls, new AddedTokens(new Dictionary<string, int>()), prefix, name);
    }

    private static Piece ReadPiece(ByteString bytes)
    {
        const int Text = 1,
            Score = 2,
            Kind = 3;
        var piece = new Piece("", 0, PieceKind.Normal);
        foreach ((int field, object value) in Fields(bytes.ToByteArray()))
        {
            piece = field switch
            {
                Text => piece with { Text = ((ByteString)value).ToStringUtf8() },
                Score => piece with { Score = (float)value },
                Kind => piece with { Kind = (PieceKind)(ulong)value },
                _ => piece,
            };
        }

        return piece;
    }

    /// <summary>A message's fields: a number for a varint, a float for 32 bits, bytes for the rest.</summary>
    private static IEnumerable<(int Field, object Value)> Fields(byte[] message)
    {
        var input = new CodedInputStream(message);
        for (uint tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            int field = WireFormat.GetTagFieldNumber(tag);
            switch (WireFormat.GetTagWireType(tag))
            {
                case WireFormat.WireType.Varint:
                    yield return (field, input.ReadUInt64());
                    break;
                case WireFormat.WireType.Fixed32:
                    yield return (field, input.ReadFloat());
                    break;
                case WireFormat.WireType.LengthDelimited:
                    yield return (field, input.ReadBytes());
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }
    }

    private static ulong Number(Dictionary<int, object> fields, int field, ulong otherwise) =>
        fields.TryGetValue(field, out object? value) ? (ulong)value : otherwise;

    private enum PieceKind
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    private sealed record Piece(string Text, float Score, PieceKind Kind);
}
