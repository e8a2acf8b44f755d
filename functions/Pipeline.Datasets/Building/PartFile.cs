using System.Runtime.InteropServices;
using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Auditing;
using Pipeline.Datasets.Splitting;

namespace Pipeline.Datasets.Building;

/// <summary>
/// A part's rows, validated one by one: for each rejected one its line of <c>rejected.jsonl</c>, for each accepted one
/// its line of the dataset with all that is needed to compare it with the others. Little-endian, as
/// <see cref="BinaryWriter"/> has it.
/// </summary>
internal static class PartFile
{
    private const byte Rejected = 0;
    private const byte Accepted = 1;

    /// <summary>An accepted row with the side of the split that the data puts it on, a byte, before the rest.</summary>
    private const byte AcceptedOnSide = 2;

    public static void Write(BinaryWriter writer, RejectedRow row)
    {
        writer.Write(Rejected);
        writer.Write(row.Reason.Name());
        WriteJson(writer, row);
    }

    public static void Write(BinaryWriter writer, PartRow row)
    {
        writer.Write(row.Side is null ? Accepted : AcceptedOnSide);
        if (row.Side is { } side)
        {
            writer.Write((byte)side);
        }

        writer.Write((ulong)(row.Key >> 64));
        writer.Write((ulong)row.Key);
        writer.Write(row.Answer);
        writer.Write(row.Split.Label);
        writer.Write(row.Split.Order);
        writer.Write(row.Split.Size);
        WriteJson(writer, row.Example!);
        WriteJson(writer, row.Fields!);
        WriteMeasured(writer, row.Measure, row.Signature);
        writer.Write(row.Pieces.Count);
        foreach ((Example piece, RowMeasure measure, uint[] signature) in row.Pieces)
        {
            WriteJson(writer, piece);
            WriteMeasured(writer, measure, signature);
        }
    }

    /// <summary>Reads the next row; <c>false</c>: there is none.</summary>
    /// <param name="reader">At a row's beginning.</param>
    /// <param name="rejected">A rejected row's reason and line.</param>
    /// <param name="accepted">An accepted row; its lines are passed over, their places are told.</param>
    public static bool Read(BinaryReader reader, out (string Reason, byte[] Line)? rejected, out AcceptedRow? accepted)
    {
        (rejected, accepted) = (null, null);
        int kind = reader.BaseStream.ReadByte();
        switch (kind)
        {
            case -1:
                return false;
            case Rejected:
                rejected = (reader.ReadString(), reader.ReadBytes(reader.ReadInt32()));
                return true;
            default:
                Split? side = kind == AcceptedOnSide ? (Split)reader.ReadByte() : null;
                var key = new UInt128(reader.ReadUInt64(), reader.ReadUInt64());
                ulong answer = reader.ReadUInt64();
                var split = new SplitRow(reader.ReadInt32(), reader.ReadUInt64(), reader.ReadInt32());
                ByteRange line = Skip(reader),
                    fields = Skip(reader);
                (RowMeasure measure, uint[] signature) = ReadMeasured(reader);
                var pieces = new AcceptedPiece[reader.ReadInt32()];
                for (int i = 0; i < pieces.Length; i++)
                {
                    ByteRange piece = Skip(reader);
                    (RowMeasure pieceMeasure, uint[] sign) = ReadMeasured(reader);
                    pieces[i] = new AcceptedPiece(piece, pieceMeasure, sign);
                }

                accepted = new AcceptedRow(key, answer, split, side, line, fields, measure, signature, pieces);
                return true;
        }
    }

    private static void WriteJson<T>(BinaryWriter writer, T value)
    {
        byte[] json = ContractJson.WriteUtf8(value);
        writer.Write(json.Length);
        writer.Write(json);
    }

    private static ByteRange Skip(BinaryReader reader)
    {
        int length = reader.ReadInt32();
        long start = reader.BaseStream.Position;
        reader.BaseStream.Seek(length, SeekOrigin.Current);
        return new ByteRange(start, length);
    }

    private static void WriteMeasured(BinaryWriter writer, RowMeasure measure, uint[] signature)
    {
        writer.Write(measure.Tokens);
        writer.Write(measure.Supervised);
        writer.Write(
            (byte)(
                (measure.HasSupervisedToken ? 1 : 0)
                | (measure.EndIsSupervised ? 2 : 0)
                | (measure.BosIsRight ? 4 : 0)
                | (measure.RoundTrips ? 8 : 0)
                | (measure.HasUnknownId ? 16 : 0)
            )
        );
        writer.Write(MemoryMarshal.AsBytes<uint>(signature));
    }

    private static (RowMeasure Measure, uint[] Signature) ReadMeasured(BinaryReader reader)
    {
        (int tokens, int supervised, byte flags) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadByte());
        uint[] signature = new uint[NearDuplicates.Hashes];
        reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(signature.AsSpan()));
        return (
            new RowMeasure(
                tokens,
                supervised,
                (flags & 1) != 0,
                (flags & 2) != 0,
                (flags & 4) != 0,
                (flags & 8) != 0,
                (flags & 16) != 0
            ),
            signature
        );
    }

    /// <summary>A writer on a stream that stays open.</summary>
    public static BinaryWriter Writer(Stream stream) => new(stream, Encoding.UTF8, leaveOpen: true);
}

/// <summary>Bytes of a stream.</summary>
/// <param name="Start">The first one's position.</param>
/// <param name="Length">How many.</param>
internal readonly record struct ByteRange(long Start, int Length);

/// <summary>An accepted row on its way into a part.</summary>
/// <param name="Key">Hash of what two rows of the same question have in common.</param>
/// <param name="Answer">Hash of the answer.</param>
/// <param name="Split">What the split goes by.</param>
/// <param name="Side">The side that the data puts it on; <c>null</c>: none.</param>
/// <param name="Example">The row.</param>
/// <param name="Fields">The row as it was read.</param>
/// <param name="Measure">Its tokens.</param>
/// <param name="Signature">Of its prompt.</param>
/// <param name="Pieces">Of a plain text that does not fit: its pieces.</param>
internal sealed record PartRow(
    UInt128 Key,
    ulong Answer,
    SplitRow Split,
    Split? Side,
    Example Example,
    IReadOnlyDictionary<string, string> Fields,
    RowMeasure Measure,
    uint[] Signature,
    IReadOnlyList<(Example Piece, RowMeasure Measure, uint[] Signature)> Pieces
);

/// <summary>An accepted row as it stands in a part; its lines by their places.</summary>
internal sealed record AcceptedRow(
    UInt128 Key,
    ulong Answer,
    SplitRow Split,
    Split? Side,
    ByteRange Line,
    ByteRange Fields,
    RowMeasure Measure,
    uint[] Signature,
    AcceptedPiece[] Pieces
);

/// <summary>A piece of a plain text as it stands in a part.</summary>
internal sealed record AcceptedPiece(ByteRange Line, RowMeasure Measure, uint[] Signature);
