using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Files;

/// <summary>Room for unpacked files: small ones in memory, large ones on disk until this is disposed.</summary>
internal sealed class Spool : IDisposable
{
    private const int LargestInMemory = 1 << 20;
    private readonly Lazy<DirectoryInfo> _folder = new(() => Directory.CreateTempSubdirectory("pipeline-unpacked-"));
    private int _files;
    private long _total;

    /// <summary>Another file was given: its own bytes count.</summary>
    public void BeginArchive() => _total = 0;

    /// <summary>Takes up a stream's content.</summary>
    /// <param name="name">The file's name.</param>
    /// <param name="content">Read to its end.</param>
    /// <param name="most">Bytes that all files together may have.</param>
    /// <exception cref="DatasetException">More than that.</exception>
    public RawFile Keep(string name, Stream content, long most)
    {
        var memory = new MemoryStream();
        FileStream? disk = null;
        string path = "";
        try
        {
            byte[] buffer = new byte[1 << 16];
            int read;
            while ((read = content.Read(buffer, 0, buffer.Length)) > 0)
            {
                _total += read;
                if (_total > most)
                {
                    throw new DatasetException(
                        DatasetFaultCode.UnreadableFile,
                        $"'{name}' unpacks to more than {most:N0} bytes, far more than text packed to its size "
                            + "would; it is not read."
                    );
                }

                if (disk is null && memory.Length + read > LargestInMemory)
                {
                    path = Path.Combine(_folder.Value.FullName, $"{_files++}");
                    disk = File.Create(path);
                    memory.WriteTo(disk);
                }

                ((Stream?)disk ?? memory).Write(buffer, 0, read);
            }
        }
        finally
        {
            disk?.Dispose();
        }

        return disk is null ? new RawFile(name, memory.ToArray()) : RawFile.FromPath(path, name);
    }

    public void Dispose()
    {
        if (_folder.IsValueCreated)
        {
            _folder.Value.Delete(recursive: true);
        }
    }
}
