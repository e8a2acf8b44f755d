using System.Formats.Tar;
using System.IO.Compression;
using Pipeline.Datasets.Ingestion.Rows;
using ZstdSharp;

namespace Pipeline.Datasets.Ingestion.Files;

/// <summary>
/// What lies in compressed files and archives: .gz, .zst, .zip, .tar, and one in the other. Told by content, not by
/// name.
/// </summary>
internal static class Archive
{
    private const int HeadBytes = 512;
    private const int MaxFiles = 200_000;
    private const int MaxLayers = 4;
    private const long SuspiciousBytes = 1L << 30;
    private const long LargestRatio = 500; // gzip's own limit is 1,032: text does not come near it

    /// <summary>The files that hold rows: the file itself when it is not an archive.</summary>
    /// <param name="file">What was dropped.</param>
    /// <param name="spool">Where unpacked bytes go.</param>
    /// <exception cref="DatasetException">The archive is damaged, of a kind that is not read, or unpacks to more than
    /// is plausible.</exception>
    public static IReadOnlyList<RawFile> Expand(RawFile file, Spool spool)
    {
        try
        {
            spool.BeginArchive();
            return [.. Expand(file, spool, file.Length, layer: 0).Where(f => !IsClutter(f.Name, file.Name))];
        }
        catch (Exception fault)
            when (fault is not (DatasetException or OutOfMemoryException) && fault is not IOException
                || fault is EndOfStreamException or InvalidDataException
            ) // damaged bytes bring the unpackers to throw anything; a disk that is full is another matter
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{file.Name}' is an archive that cannot be unpacked: {fault.Message}",
                fault
            );
        }
    }

    private static IEnumerable<RawFile> Expand(RawFile file, Spool spool, long packed, int layer)
    {
        byte[] head = file.Head(HeadBytes);
        Func<Stream, Stream>? unpack =
            head.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])
                ? s => new GZipStream(s, CompressionMode.Decompress)
            : head.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) ? s => new DecompressionStream(s)
            : null;
        bool tar = head.Length >= 262 && head.AsSpan(257, 5).SequenceEqual("ustar"u8);
        bool zip = head.AsSpan().StartsWith("PK\u0003\u0004"u8) && !IsSpreadsheet(file);
        if (unpack is null && !tar && !zip)
        {
            return [file];
        }

        if (layer == MaxLayers)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{file.Name}': archives within archives are unpacked {MaxLayers} deep at most."
            );
        }

        IEnumerable<RawFile> inner =
            unpack is not null ? Decompress(file, unpack, spool, packed)
            : tar ? Untar(file, spool, packed)
            : Unzip(file, spool, packed);
        return inner.SelectMany(f => Expand(f, spool, packed, layer + 1));
    }

    private static IEnumerable<RawFile> Decompress(RawFile file, Func<Stream, Stream> unpack, Spool spool, long packed)
    {
        using Stream raw = file.Open();
        using Stream content = unpack(raw);
        string extension = Path.GetExtension(file.Name).ToLowerInvariant();
        string name =
            extension is ".gz" or ".zst" or ".zstd" ? file.Name[..^extension.Length]
            : extension == ".tgz" ? Path.ChangeExtension(file.Name, ".tar")
            : file.Name;
        yield return spool.Keep(name, content, Allowed(packed));
    }

    private static IEnumerable<RawFile> Untar(RawFile file, Spool spool, long packed)
    {
        using Stream raw = file.Open();
        using var reader = new TarReader(raw);
        int files = 0;
        while (reader.GetNextEntry() is { } entry)
        {
            if (
                entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile
                && entry.DataStream is not null
            )
            {
                RequireFew(file, ++files);
                yield return spool.Keep(
                    $"{file.Name}/{(entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name)}",
                    entry.DataStream,
                    Allowed(packed)
                );
            }
        }
    }

    private static IEnumerable<RawFile> Unzip(RawFile file, Spool spool, long packed)
    {
        using Stream raw = file.Open();
        using var archive = new ZipArchive(raw, ZipArchiveMode.Read);
        int files = 0;
        foreach (
            ZipArchiveEntry entry in archive
                .Entries.Where(e => e.Name.Length > 0)
                .OrderBy(e => e.FullName, StringComparer.Ordinal)
        )
        {
            RequireFew(file, ++files);
            using Stream content = entry.Open();
            yield return spool.Keep($"{file.Name}/{entry.FullName}", content, Allowed(packed));
        }
    }

    private static long Allowed(long packed) => Math.Max(SuspiciousBytes, packed * LargestRatio);

    private static void RequireFew(RawFile file, int files)
    {
        if (files > MaxFiles)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{file.Name}' holds more than {MaxFiles} files; divide it."
            );
        }
    }

    /// <summary>An Office file is a ZIP with a list of its parts' types.</summary>
    private static bool IsSpreadsheet(RawFile file)
    {
        try
        {
            using Stream raw = file.Open();
            using var archive = new ZipArchive(raw, ZipArchiveMode.Read);
            return archive.GetEntry("[Content_Types].xml") is not null;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    /// <summary>What operating systems and people put beside data: hidden files, resource forks, read-mes.</summary>
    public static bool IsClutter(string name, string archive)
    {
        if (name == archive)
        {
            return false;
        }

        string[] parts = name.Split('/');
        string last = parts[^1];
        return parts.Any(p => p.StartsWith('.') || p == "__MACOSX")
            || last.Length == 0
            || last.StartsWith("README", StringComparison.OrdinalIgnoreCase)
            || last.StartsWith("LICENSE", StringComparison.OrdinalIgnoreCase)
            || last.StartsWith("ORIGIN.", StringComparison.OrdinalIgnoreCase);
    }
}
