using System.Formats.Tar;
using System.IO.Compression;

namespace Pipeline.Functions.Tests.Datasets.Ingestion;

/// <summary>Files packed as their senders pack them.</summary>
internal static class Packings
{
    public static byte[] Packed(Func<Stream, Stream> pack, byte[] content)
    {
        var packed = new MemoryStream();
        using (Stream stream = pack(packed))
        {
            stream.Write(content);
        }

        return packed.ToArray();
    }

    public static byte[] Gzip(byte[] content) => Packed(s => new GZipStream(s, CompressionLevel.Fastest), content);

    public static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        var packed = new MemoryStream();
        using (var archive = new ZipArchive(packed, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in files)
            {
                using Stream entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return packed.ToArray();
    }

    public static byte[] Tar(params (string Name, byte[] Content)[] files)
    {
        var packed = new MemoryStream();
        using (var writer = new TarWriter(packed, leaveOpen: true))
        {
            foreach ((string name, byte[] content) in files)
            {
                writer.WriteEntry(
                    new PaxTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(content) }
                );
            }
        }

        return packed.ToArray();
    }
}
