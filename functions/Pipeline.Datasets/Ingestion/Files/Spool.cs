using System.IO.Hashing;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Files;

/// <summary>
/// Room for unpacked files: small ones in memory as long as all together are small, others on disk until this is
/// disposed. Only its owner can read the folder on disk.
/// </summary>
/// <param name="budget">What all files of one archive may have.</param>
internal sealed class Spool(InputBudget budget) : IDisposable
{
    private const int LargestInMemory = 1 << 20;
    private const long MemoryOfAll = 64L << 20;
    private readonly Lazy<DirectoryInfo> _folder = new(() => Directory.CreateTempSubdirectory("pipeline-unpacked-"));
    private int _files;
    private long _total;
    private long _inMemory;

    /// <summary>Whether an archive had more bytes than it may: nothing of it is read.</summary>
    public bool IsFull { get; private set; }

    /// <summary>Another archive was given: its own bytes count.</summary>
    public void BeginArchive() => (_total, IsFull) = (0, false);

    /// <summary>Takes up a stream's content.</summary>
    /// <param name="name">The file's name.</param>
    /// <param name="content">Read to its end.</param>
    /// <param name="most">Bytes that all files of the archive together may have.</param>
    /// <param name="declared">Length and CRC-32 that the archive gives; <c>null</c>: it gives none.</param>
    /// <exception cref="DatasetException">More than that.</exception>
    /// <exception cref="InvalidDataException">The content is not what the archive says.</exception>
    public RawFile Keep(string name, Stream content, long most, (long Length, uint Crc)? declared = null)
    {
        var memory = new MemoryStream();
        FileStream? disk = null;
        string path = "";
        var crc = new Crc32();
        long length = 0;
        try
        {
            byte[] buffer = new byte[1 << 16];
            int read;
            while ((read = content.Read(buffer, 0, buffer.Length)) > 0)
            {
                _total += read;
                length += read;
                Require(name, most);
                crc.Append(buffer.AsSpan(0, read));
                if (disk is null && (length > LargestInMemory || _inMemory + length > MemoryOfAll))
                {
                    path = NewPath();
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

        if (declared is { } given && (given.Length != length || given.Crc != crc.GetCurrentHashAsUInt32()))
        {
            throw new InvalidDataException(
                given.Length != length
                    ? $"it has {length:N0} bytes, and the archive says {given.Length:N0}"
                    : "its CRC-32 is not the one that the archive says: it is damaged"
            );
        }

        _inMemory += disk is null ? length : 0;
        return disk is null ? new RawFile(name, memory.ToArray()) : RawFile.FromPath(path, name);
    }

    /// <summary>A file's path on disk; one that is only in memory or in storage is written there first.</summary>
    public string PathOf(RawFile file)
    {
        if (file.Path is { } own)
        {
            return own;
        }

        string path = NewPath();
        using Stream content = file.Open();
        using FileStream disk = File.Create(path);
        content.CopyTo(disk);
        return path;
    }

    public void Dispose()
    {
        if (_folder.IsValueCreated)
        {
            _folder.Value.Delete(recursive: true);
        }
    }

    private string NewPath() => Path.Combine(_folder.Value.FullName, $"{_files++}");

    private void Require(string name, long most)
    {
        IsFull = _total > Math.Min(most, budget.FileBytes);
        if (_total > budget.FileBytes)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{name}' unpacks to more than {budget.Limits.FileMegabytes:N0} megabytes; "
                    + $"{InputBudget.Raise(nameof(budget.Limits.FileMegabytes))}."
            );
        }

        if (_total > most)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{name}' unpacks to more than {most:N0} bytes, far more than text packed to its size "
                    + "would; it is not read."
            );
        }
    }
}
