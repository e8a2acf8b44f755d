using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Export.Gguf;

/// <summary>
/// Writes a GGUF file, version 3, little-endian, aligned to 32 bytes. Format: ggml, <c>docs/gguf.md</c>.
/// </summary>
public static class GgufWriter
{
    private const uint Version = 3;
    private const int Alignment = 32;
    private const long LargestPartBytes = 1L << 30;
    private static readonly byte[] Magic = "GGUF"u8.ToArray();

    /// <summary>Writes a file; it is there whole or not at all.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="metadata">Keys in their order. Values: <see cref="string"/>, <see cref="bool"/>,
    /// <see cref="uint"/>, <see cref="float"/>, and arrays of <see cref="string"/>, <see cref="int"/> and
    /// <see cref="float"/>.</param>
    /// <param name="tensors">Each is made when its turn has come.</param>
    /// <exception cref="ArgumentException">A value is of another type, or a tensor of another shape.</exception>
    public static void Write(
        string path,
        IReadOnlyList<KeyValuePair<string, object>> metadata,
        IReadOnlyList<GgufTensor> tensors
    )
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ArgumentNullException.ThrowIfNull(tensors);
        string partial = path + ".partial";
        using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write))
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            WriteHeader(writer, metadata, tensors);
            foreach (GgufTensor tensor in tensors)
            {
                WriteNumbers(stream, tensor);
                Align(writer);
            }

            stream.Flush(flushToDisk: true);
        }

        File.Move(partial, path, overwrite: true);
    }

    private static void WriteHeader(
        BinaryWriter writer,
        IReadOnlyList<KeyValuePair<string, object>> metadata,
        IReadOnlyList<GgufTensor> tensors
    )
    {
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write((ulong)tensors.Count);
        writer.Write((ulong)metadata.Count);
        foreach ((string key, object value) in metadata)
        {
            WriteText(writer, key);
            WriteValue(writer, value);
        }

        ulong offset = 0;
        foreach (GgufTensor tensor in tensors)
        {
            WriteText(writer, tensor.Name);
            writer.Write((uint)tensor.Shape.Count);
            foreach (long size in tensor.Shape.Reverse())
            {
                writer.Write((ulong)size);
            }

            writer.Write((uint)tensor.Numbers);
            writer.Write(offset);
            offset += (ulong)Aligned(tensor.Bytes);
        }

        Align(writer);
    }

    private static void WriteNumbers(FileStream stream, GgufTensor tensor)
    {
        using DisposeScope scope = NewDisposeScope();
        ScalarType type = tensor.Numbers switch
        {
            GgufNumbers.F16 => ScalarType.Float16,
            GgufNumbers.BF16 => ScalarType.BFloat16,
            _ => ScalarType.Float32,
        };
        Tensor made = tensor.Make().detach();
        if (!made.shape.SequenceEqual(tensor.Shape))
        {
            throw new ArgumentException(
                $"'{tensor.Name}' has the shape [{string.Join(", ", made.shape)}], not "
                    + $"[{string.Join(", ", tensor.Shape)}].",
                nameof(tensor)
            );
        }

        Tensor flat = made.to(type).cpu().contiguous().view(-1);
        long most = LargestPartBytes / flat.ElementSize;
        for (long start = 0; start < flat.NumberOfElements; start += most)
        {
            stream.Write(flat.narrow(0, start, Math.Min(most, flat.NumberOfElements - start)).bytes);
        }
    }

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case string text:
                writer.Write((uint)ValueKind.Text);
                WriteText(writer, text);
                break;
            case bool flag:
                writer.Write((uint)ValueKind.Flag);
                writer.Write(flag);
                break;
            case uint number:
                writer.Write((uint)ValueKind.Unsigned32);
                writer.Write(number);
                break;
            case float number:
                writer.Write((uint)ValueKind.Float32);
                writer.Write(number);
                break;
            case string[] texts:
                WriteArray(writer, ValueKind.Text, texts, WriteText);
                break;
            case int[] numbers:
                WriteArray(writer, ValueKind.Signed32, numbers, (w, n) => w.Write(n));
                break;
            case float[] numbers:
                WriteArray(writer, ValueKind.Float32, numbers, (w, n) => w.Write(n));
                break;
            default:
                throw new ArgumentException($"A value of type {value.GetType().Name} is not written.", nameof(value));
        }
    }

    private static void WriteArray<T>(BinaryWriter writer, ValueKind kind, T[] items, Action<BinaryWriter, T> write)
    {
        writer.Write((uint)ValueKind.Array);
        writer.Write((uint)kind);
        writer.Write((ulong)items.Length);
        foreach (T item in items)
        {
            write(writer, item);
        }
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void Align(BinaryWriter writer)
    {
        writer.Flush();
        long at = writer.BaseStream.Position;
        writer.Write(new byte[Aligned(at) - at]);
        writer.Flush();
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Kinds of metadata, as <c>docs/gguf.md</c> numbers them (gguf_metadata_value_type).</summary>
    private enum ValueKind : uint
    {
        Unsigned32 = 4,
        Signed32 = 5,
        Float32 = 6,
        Flag = 7,
        Text = 8,
        Array = 9,
    }
}
