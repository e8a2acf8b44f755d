using System.Buffers.Binary;
using System.Text.Json;
using Pipeline.Contracts;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Checkpoints;

/// <summary>
/// A safetensors file (huggingface/safetensors, README "Format"): 8 bytes of header length, a JSON header, then the
/// data. The header is checked before any data is read: sizes that lie, overlaps and a truncated file are refused by
/// name.
/// </summary>
public sealed class SafetensorsFile : IDisposable
{
    private const long LargestHeaderBytes = 100_000_000;
    private const long LargestPartBytes = 1 << 30;
    private readonly FileStream _stream;
    private readonly Dictionary<string, SafetensorsEntry> _entries;

    private SafetensorsFile(
        FileStream stream,
        Dictionary<string, SafetensorsEntry> entries,
        Dictionary<string, string> metadata
    )
    {
        (_stream, _entries, Metadata) = (stream, entries, metadata);
    }

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>What stands under <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="ModelException">The file is missing, truncated or not safetensors.</exception>
    public static SafetensorsFile Open(string path)
    {
        if (!File.Exists(path))
        {
            throw new ModelException($"'{path}' does not exist.");
        }

        try
        {
            InputFile.Require(path);
        }
        catch (InvalidDataException fault)
        {
            throw new ModelException(fault.Message, fault);
        }

        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        try
        {
            (Dictionary<string, SafetensorsEntry> entries, Dictionary<string, string> metadata) = ReadHeader(
                stream,
                Path.GetFileName(path)
            );
            return new SafetensorsFile(stream, entries, metadata);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>Reads one tensor into memory, on the CPU, in its own dtype.</summary>
    /// <exception cref="ModelException">There is none of this name, or its dtype is not read.</exception>
    public Tensor Read(string name)
    {
        if (!_entries.TryGetValue(name, out SafetensorsEntry? entry))
        {
            throw new ModelException($"'{Path.GetFileName(_stream.Name)}' has no tensor '{name}'.");
        }

        Tensor tensor = empty([.. entry.Shape], dtype: SafetensorsDtype.ToScalarType(entry.Dtype, name));
        if (entry.Length > 0)
        {
            _stream.Position = entry.Offset;
            using Tensor flat = tensor.view(-1);
            foreach ((long start, long count) in Parts(flat.NumberOfElements, flat.ElementSize))
            {
                using Tensor part = flat.narrow(0, start, count);
                _stream.ReadExactly(part.bytes);
            }
        }

        return tensor;
    }

    /// <summary>Reads every tensor.</summary>
    public Dictionary<string, Tensor> ReadAll() => _entries.Keys.ToDictionary(k => k, Read, StringComparer.Ordinal);

    public void Dispose() => _stream.Dispose();

    /// <summary>
    /// Writes tensors in the order of their names, and the file whole or not at all: under another name first.
    /// </summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="tensors">Contiguous or not, on any device.</param>
    /// <param name="metadata">Put under <c>__metadata__</c>; PEFT writes <c>format: pt</c>.</param>
    public static void Write(
        string path,
        IReadOnlyDictionary<string, Tensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        ArgumentNullException.ThrowIfNull(tensors);
        Write(
            path,
            [
                .. tensors
                    .OrderBy(t => t.Key, StringComparer.Ordinal)
                    .Select(t => new CheckpointTensor(t.Key, t.Value.dtype, t.Value.shape, () => t.Value.alias())),
            ],
            metadata
        );
    }

    /// <summary>
    /// Writes tensors in the order given, one in memory at a time, and the file whole or not at all: under another name
    /// first.
    /// </summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="tensors">What goes in; each is made when its turn has come.</param>
    /// <param name="metadata">Put under <c>__metadata__</c>.</param>
    public static void Write(
        string path,
        IReadOnlyList<CheckpointTensor> tensors,
        IReadOnlyDictionary<string, string>? metadata = null
    )
    {
        ArgumentNullException.ThrowIfNull(tensors);
        byte[] header = Header(tensors, metadata);
        string partial = path + ".partial";
        using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write))
        {
            Span<byte> length = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach (CheckpointTensor tensor in tensors)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor flat = tensor.Make().detach().to(tensor.Dtype).cpu().contiguous().view(-1);
                foreach ((long start, long count) in Parts(flat.NumberOfElements, flat.ElementSize))
                {
                    stream.Write(flat.narrow(0, start, count).bytes);
                }
            }

            stream.Flush(flushToDisk: true);
        }

        File.Move(partial, path, overwrite: true);
    }

    /// <summary>
    /// A span counts in int, a large embedding has more bytes: such a tensor is read and written in parts.
    /// </summary>
    private static IEnumerable<(long Start, long Count)> Parts(long elements, long elementBytes)
    {
        long most = LargestPartBytes / elementBytes;
        for (long start = 0; start < elements; start += most)
        {
            yield return (start, Math.Min(most, elements - start));
        }
    }

    private static byte[] Header(IReadOnlyList<CheckpointTensor> tensors, IReadOnlyDictionary<string, string>? metadata)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (metadata is not null)
            {
                writer.WritePropertyName("__metadata__");
                JsonSerializer.Serialize(writer, metadata);
            }

            long offset = 0;
            foreach (CheckpointTensor tensor in tensors)
            {
                long end = offset + tensor.Bytes;
                writer.WriteStartObject(tensor.Name);
                writer.WriteString("dtype", SafetensorsDtype.NameOf(tensor.Dtype));
                writer.WritePropertyName("shape");
                JsonSerializer.Serialize(writer, tensor.Shape);
                writer.WritePropertyName("data_offsets");
                JsonSerializer.Serialize(writer, (long[])[offset, end]);
                writer.WriteEndObject();
                offset = end;
            }

            writer.WriteEndObject();
        }

        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' '); // the data starts aligned, as the reference writer has it
        }

        return buffer.ToArray();
    }

    private static (Dictionary<string, SafetensorsEntry> Entries, Dictionary<string, string> Metadata) ReadHeader(
        FileStream stream,
        string name
    )
    {
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8)
        {
            throw new ModelException($"'{name}' is truncated: {stream.Length} bytes are not a safetensors file.");
        }

        stream.ReadExactly(prefix);
        long headerLength = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (headerLength is <= 0 or > LargestHeaderBytes || headerLength > stream.Length - 8)
        {
            throw new ModelException(
                $"'{name}' is truncated or not a safetensors file: its header is said to have {headerLength} bytes, "
                    + $"the file has {stream.Length}."
            );
        }

        var header = new byte[headerLength];
        stream.ReadExactly(header);
        try
        {
            using JsonDocument document = JsonDocument.Parse(header, InputFile.Strict);
            Dictionary<string, string> metadata = document.RootElement.TryGetProperty(
                "__metadata__",
                out JsonElement value
            )
                ? value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ToString(), StringComparer.Ordinal)
                : [];
            return (ReadEntries(document.RootElement, 8 + headerLength, stream.Length, name), metadata);
        }
        catch (Exception fault)
            when (fault
                    is JsonException
                        or InvalidOperationException
                        or KeyNotFoundException
                        or FormatException
                        or OverflowException
                        or ArgumentException
                        or IndexOutOfRangeException
            )
        {
            throw new ModelException($"'{name}' is not a safetensors file: {InputFile.OneLine(fault.Message)}", fault);
        }
    }

    private static Dictionary<string, SafetensorsEntry> ReadEntries(
        JsonElement header,
        long dataStart,
        long fileLength,
        string name
    )
    {
        var entries = new Dictionary<string, SafetensorsEntry>(StringComparer.Ordinal);
        foreach (JsonProperty property in header.EnumerateObject().Where(p => p.Name != "__metadata__"))
        {
            entries.Add(property.Name, ReadEntry(property, dataStart, fileLength, name));
        }

        long covered = 0;
        foreach (SafetensorsEntry entry in entries.Values.OrderBy(e => e.Offset).ThenBy(e => e.Length))
        {
            if (entry.Offset != dataStart + covered)
            {
                throw new ModelException(
                    $"'{name}' is not a safetensors file: the data of '{entry.Name}' overlaps another tensor's or "
                        + "leaves a gap."
                );
            }

            covered += entry.Length;
        }

        return dataStart + covered == fileLength
            ? entries
            : throw new ModelException(
                $"'{name}' is not a safetensors file: after its tensors come {fileLength - dataStart - covered} bytes "
                    + "that its header does not name."
            );
    }

    private static SafetensorsEntry ReadEntry(JsonProperty property, long dataStart, long fileLength, string name)
    {
        string dtype = property.Value.GetProperty("dtype").GetString()!;
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt64())];
        JsonElement offsets = property.Value.GetProperty("data_offsets");
        if (offsets.GetArrayLength() != 2)
        {
            throw new ModelException(
                $"'{name}' is not a safetensors file: '{InputFile.OneLine(property.Name)}' has no beginning and end."
            );
        }

        (long begin, long end) = (offsets[0].GetInt64(), offsets[1].GetInt64());
        long expected = checked(
            shape.Aggregate(1L, (product, dimension) => checked(product * dimension))
            * SafetensorsDtype.SizeOf(dtype, property.Name)
        );
        if (begin < 0 || end < begin || end - begin != expected || shape.Any(d => d < 0))
        {
            throw new ModelException(
                $"'{name}' lies about '{InputFile.OneLine(property.Name)}': {InputFile.OneLine(dtype)} of shape "
                    + $"[{InputFile.OneLine(string.Join(", ", shape))}] takes "
                    + $"{expected} bytes, the header gives it {end - begin}."
            );
        }

        if (dataStart + end > fileLength)
        {
            throw new ModelException(
                $"'{name}' is truncated: '{InputFile.OneLine(property.Name)}' ends at byte {dataStart + end}, "
                    + $"the file has {fileLength}."
            );
        }

        return new SafetensorsEntry(property.Name, dtype, shape, dataStart + begin, end - begin);
    }
}
