using System.Text;
using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Processes;

/// <summary>
/// Rows on their way from the process that read them. A frame has its length first, so that nothing that is sent makes
/// the receiver take up more than a frame may have. Names of columns are sent once a file.
/// </summary>
internal static class RowFrame
{
    /// <summary>Bytes after which a frame is sent.</summary>
    public const int FullBytes = 1 << 20;

    /// <summary>Rows after which it is.</summary>
    public const int FullRows = 256;

    /// <summary>Writes a row.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="row">The row.</param>
    /// <param name="names">Numbers of the names that were sent; new ones are added.</param>
    public static void Write(BinaryWriter frame, RawRow row, Dictionary<string, int> names)
    {
        frame.Write7BitEncodedInt(row.Place.Row);
        frame.Write7BitEncodedInt(row.Place.Line);
        frame.Write7BitEncodedInt64(row.Place.Offset);
        frame.Write(row.Fault ?? "");
        frame.Write7BitEncodedInt(row.Fields.Count);
        foreach ((string name, string text) in row.Fields)
        {
            if (!names.TryGetValue(name, out int number))
            {
                names[name] = number = names.Count;
                frame.Write7BitEncodedInt(number);
                frame.Write(name);
            }
            else
            {
                frame.Write7BitEncodedInt(number);
            }

            frame.Write((byte)(row.Kinds?.GetValueOrDefault(name, CellKind.Text) ?? CellKind.Text));
            frame.Write(text);
        }
    }

    /// <summary>Reads a row.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="file">The file's name.</param>
    /// <param name="names">The names that were sent, by their numbers; new ones are added.</param>
    public static RawRow Read(BinaryReader frame, string file, List<string> names)
    {
        var place = new RowPlace(
            file,
            frame.Read7BitEncodedInt(),
            frame.Read7BitEncodedInt(),
            frame.Read7BitEncodedInt64()
        );
        string fault = frame.ReadString();
        int columns = frame.Read7BitEncodedInt();
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        Dictionary<string, CellKind>? kinds = null;
        for (int i = 0; i < columns; i++)
        {
            int number = frame.Read7BitEncodedInt();
            if (number == names.Count)
            {
                names.Add(frame.ReadString());
            }

            var kind = (CellKind)frame.ReadByte();
            fields[names[number]] = frame.ReadString();
            if (kind != CellKind.Text)
            {
                (kinds ??= new Dictionary<string, CellKind>(StringComparer.Ordinal))[names[number]] = kind;
            }
        }

        return new RawRow(place, fields, fault.Length > 0 ? fault : null) { Kinds = kinds };
    }

    /// <summary>Sends a frame.</summary>
    public static void Send(Stream stream, FrameKind kind, MemoryStream content)
    {
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write((int)content.Length);
        writer.Write((byte)kind);
        content.WriteTo(stream);
        stream.Flush();
    }

    /// <summary>Receives a frame.</summary>
    /// <param name="stream">Where it comes from.</param>
    /// <param name="maxBytes">Bytes that it may have.</param>
    /// <exception cref="EndOfStreamException">The sender has ended.</exception>
    /// <exception cref="InvalidDataException">It is too long.</exception>
    public static (FrameKind Kind, BinaryReader Content) Receive(Stream stream, long maxBytes)
    {
        Span<byte> head = stackalloc byte[5];
        stream.ReadExactly(head);
        int length = BitConverter.ToInt32(head);
        if (length < 0 || length > maxBytes)
        {
            throw new InvalidDataException($"a frame of {length:N0} bytes");
        }

        byte[] content = new byte[length];
        stream.ReadExactly(content);
        return ((FrameKind)head[4], new BinaryReader(new MemoryStream(content), Encoding.UTF8));
    }
}

/// <summary>What a frame holds.</summary>
internal enum FrameKind : byte
{
    /// <summary>Their number, and rows; more follow.</summary>
    Rows,

    /// <summary>The same, and these are the last; then what was noticed.</summary>
    End,

    /// <summary>The same; then the code of a fault and its message: the file cannot be read further.</summary>
    Fault,

    /// <summary>The memory that the process may have does not do.</summary>
    OutOfMemory,
}
