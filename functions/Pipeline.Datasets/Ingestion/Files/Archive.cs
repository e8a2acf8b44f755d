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
    private const int MaxLayers = 4;
    private const int BytesOfEntry = 256; // in the list of a ZIP's files: 46, a name and what else belongs to it
    private const int MaxTarHeaderBytes = 1 << 20; // a path of 900 characters and what systems note beside it: a few KiB

    /// <summary>The files that hold rows: the file itself when it is not an archive.</summary>
    /// <param name="file">What was dropped.</param>
    /// <param name="spool">Where unpacked bytes go.</param>
    /// <param name="budget">What unpacking may cost.</param>
    /// <param name="notes">Takes up which of its files are not read.</param>
    /// <exception cref="DatasetException">The archive is damaged, of a kind that is not read, or unpacks to more than
    /// is plausible.</exception>
    public static IReadOnlyList<RawFile> Expand(RawFile file, Spool spool, InputBudget budget, ReadingNotes notes)
    {
        spool.BeginArchive();
        var unpacking = new Unpacking(spool, budget, notes, file.Length);
        return [.. Guarded(file, unpacking, layer: 0).Where(f => !IsClutter(f.Name, file.Name))];
    }

    private static IReadOnlyList<RawFile> Guarded(RawFile file, Unpacking unpacking, int layer)
    {
        try
        {
            return [.. Expand(file, unpacking, layer)];
        }
        catch (Exception fault) when (IsDamage(fault))
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{file.Name}' is an archive that cannot be unpacked: {fault.Message}",
                fault
            );
        }
    }

    /// <summary>Damaged bytes bring the unpackers to throw anything; a disk that is full is another matter.</summary>
    private static bool IsDamage(Exception fault) =>
        fault is not (DatasetException or OutOfMemoryException) && fault is not IOException
        || fault is EndOfStreamException or InvalidDataException;

    private static IEnumerable<RawFile> Expand(RawFile file, Unpacking unpacking, int layer)
    {
        byte[] head = file.Head(HeadBytes);
        Func<Stream, Stream>? unpack =
            head.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B])
                ? s => new GZipStream(s, CompressionMode.Decompress)
            : head.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) ? s => new DecompressionStream(s)
            : null;
        bool tar = head.Length >= 262 && head.AsSpan(257, 5).SequenceEqual("ustar"u8);
        bool zip = head.AsSpan().StartsWith("PK\u0003\u0004"u8) && !IsSpreadsheet(file, unpacking.Budget);
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
            unpack is not null ? Decompress(file, unpack, unpacking)
            : tar ? Untar(file, unpacking)
            : Unzip(file, unpacking);
        return unpack is not null
            ? inner.SelectMany(f => Expand(f, unpacking, layer + 1))
            : inner.SelectMany(f => Inner(f, unpacking, layer + 1));
    }

    /// <summary>An archive in an archive that cannot be unpacked is passed over, and said.</summary>
    private static IReadOnlyList<RawFile> Inner(RawFile file, Unpacking unpacking, int layer)
    {
        try
        {
            return Guarded(file, unpacking, layer);
        }
        catch (DatasetException fault) when (!unpacking.Spool.IsFull)
        {
            unpacking.Notes.AddUnread(file, fault.Message.TrimEnd('.'));
            return [];
        }
    }

    private static IEnumerable<RawFile> Decompress(RawFile file, Func<Stream, Stream> unpack, Unpacking unpacking)
    {
        using Stream raw = file.Open();
        using Stream content = unpack(raw);
        string extension = Path.GetExtension(file.Name).ToLowerInvariant();
        string name =
            extension is ".gz" or ".zst" or ".zstd" ? file.Name[..^extension.Length]
            : extension == ".tgz" ? Path.ChangeExtension(file.Name, ".tar")
            : file.Name;
        yield return unpacking.Spool.Keep(name, content, unpacking.Allowed);
    }

    private static IEnumerable<RawFile> Untar(RawFile file, Unpacking unpacking)
    {
        using var raw = new MeteredStream(
            file.Open(),
            MaxTarHeaderBytes,
            $"the header of a file in it is longer than {MaxTarHeaderBytes:N0} bytes"
        );
        using var reader = new TarReader(raw);
        while (NextEntry(reader, raw) is { } entry)
        {
            unpacking.Count(file, 1);
            if (
                entry.EntryType is TarEntryType.RegularFile or TarEntryType.V7RegularFile
                && entry.DataStream is { } content
            )
            {
                string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
                if (unpacking.Named(file, name) is { } path)
                {
                    yield return unpacking.Spool.Keep(path, content, unpacking.Allowed);
                }
            }
            else if (entry.EntryType is not (TarEntryType.Directory or TarEntryType.GlobalExtendedAttributes))
            {
                unpacking.Refuse(file, entry.Name, $"it is a {entry.EntryType}, not a file");
            }
        }
    }

    /// <summary>The next file's header, which the reader keeps whole in memory, however long it says that it is.</summary>
    private static TarEntry? NextEntry(TarReader reader, MeteredStream raw)
    {
        raw.Allow(MaxTarHeaderBytes);
        TarEntry? entry = reader.GetNextEntry();
        raw.Open();
        return entry;
    }

    private static IEnumerable<RawFile> Unzip(RawFile file, Unpacking unpacking)
    {
        using ZipArchive archive = OpenZip(file, unpacking.Budget);
        unpacking.Count(file, archive.Entries.Count);
        foreach (
            ZipArchiveEntry entry in archive
                .Entries.Where(e => e.Name.Length > 0)
                .OrderBy(e => e.FullName, StringComparer.Ordinal)
        )
        {
            if (unpacking.Named(file, entry.FullName) is { } path && TryKeep(file, entry, path, unpacking) is { } kept)
            {
                yield return kept;
            }
        }
    }

    /// <summary>Unpacks a file of a ZIP; one that is damaged is passed over, and said.</summary>
    private static RawFile? TryKeep(RawFile file, ZipArchiveEntry entry, string path, Unpacking unpacking)
    {
        try
        {
            using Stream content = entry.Open();
            return unpacking.Spool.Keep(path, content, unpacking.Allowed, (entry.Length, entry.Crc32));
        }
        catch (Exception fault) when (IsDamage(fault))
        {
            unpacking.Refuse(file, entry.FullName, fault.Message.TrimEnd('.'));
            return null;
        }
    }

    /// <summary>A ZIP whose list of files was read, as far as the budget goes.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or its list too long.</exception>
    private static ZipArchive OpenZip(RawFile file, InputBudget budget)
    {
        var raw = new MeteredStream(
            file.Open(),
            (1L << 20) + ((long)BytesOfEntry * budget.Limits.Entries),
            $"the list of its files is longer than {budget.Limits.Entries:N0} files need; "
                + InputBudget.Raise(nameof(budget.Limits.Entries))
        );
        try
        {
            var archive = new ZipArchive(raw, ZipArchiveMode.Read);
            _ = archive.Entries.Count; // reads the list
            raw.Open();
            return archive;
        }
        catch
        {
            raw.Dispose();
            throw;
        }
    }

    /// <summary>An Office file is a ZIP with a list of its parts' types.</summary>
    private static bool IsSpreadsheet(RawFile file, InputBudget budget)
    {
        try
        {
            using ZipArchive archive = OpenZip(file, budget);
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
