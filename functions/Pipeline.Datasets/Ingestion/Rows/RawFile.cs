using System.IO.Enumeration;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Pipeline.Contracts;

namespace Pipeline.Datasets.Ingestion.Rows;

/// <summary>A file as it was dropped, or as it lay in an archive that was; or a folder.</summary>
public sealed class RawFile
{
    private readonly Func<Stream> _open;
    private readonly Lazy<string> _sha256;

    /// <summary>A file in memory.</summary>
    /// <param name="name">Its name, without a folder; of a file in an archive <c>archive.zip/folder/name</c>.</param>
    /// <param name="bytes">All of it.</param>
    public RawFile(string name, ReadOnlyMemory<byte> bytes)
        : this(
            name,
            bytes.Length,
            () =>
                MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> held)
                    ? new MemoryStream(held.Array!, held.Offset, held.Count, writable: false)
                    : new MemoryStream(bytes.ToArray(), writable: false)
        ) { }

    /// <summary>A file that is read when it is needed.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="open">Opens it at its start, each time; seekable.</param>
    /// <param name="sha256">Of its content, lower-case hexadecimal; <c>null</c>: read when it is needed.</param>
    public RawFile(string name, long length, Func<Stream> open, string? sha256 = null)
    {
        (Name, Length, _open) = (name, length, open);
        _sha256 = sha256 is not null
            ? new Lazy<string>(sha256)
            : new Lazy<string>(() =>
            {
                using Stream stream = open();
                return Convert.ToHexStringLower(SHA256.HashData(stream));
            });
    }

    private RawFile(string name, IReadOnlyList<RawFile> inner, IReadOnlyList<(string Name, string Why)> unread)
    {
        (Name, Inner, Length, IsFolder, Unread) = (name, inner, inner.Sum(f => f.Length), true, unread);
        _open = () => throw new NotSupportedException($"'{name}' is a folder.");
        _sha256 = new Lazy<string>(() =>
            ContentHash.Sha256(Encoding.UTF8.GetBytes(string.Concat(inner.Select(f => $"{f.Name} {f.Sha256}\n"))))
        );
    }

    public string Name { get; }

    /// <summary>Whether it is a folder.</summary>
    public bool IsFolder { get; }

    /// <summary>The files of a folder that was given as a whole; empty for a file.</summary>
    public IReadOnlyList<RawFile> Inner { get; } = [];

    /// <summary>What lies in a folder and is not read, such as links, and why.</summary>
    internal IReadOnlyList<(string Name, string Why)> Unread { get; } = [];

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>Where it lies on disk; <c>null</c>: it is in memory or in storage.</summary>
    internal string? Path { get; private init; }

    /// <summary>Of the content, lower-case hexadecimal.</summary>
    public string Sha256 => _sha256.Value;

    /// <summary>A file on disk.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="name">Its name; <c>null</c>: as on disk.</param>
    /// <param name="sha256">Of its content, where that is known.</param>
    /// <exception cref="DatasetException">It is not a file: a pipe, a socket or a device.</exception>
    public static RawFile FromPath(string path, string? name = null, string? sha256 = null)
    {
        if (FileKind.Fault(path, mayBeLink: true) is { } fault)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{path}' is {fault}; write what it gives into a file and name that."
            );
        }

        return new RawFile(
            name ?? System.IO.Path.GetFileName(path),
            new FileInfo(path).Length,
            () => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16),
            sha256
        )
        {
            Path = path,
        };
    }

    /// <summary>Everything in a folder and below it, but for links, pipes and devices, which are named.</summary>
    public static RawFile FromFolder(string path)
    {
        string root = System.IO.Path.GetFullPath(path);
        string name = System.IO.Path.GetFileName(System.IO.Path.TrimEndingDirectorySeparator(root));
        (string Path, string Name, string? Fault)[] found =
        [
            .. new FileSystemEnumerable<(string Path, bool IsLink)>(
                root,
                (ref FileSystemEntry e) => (e.ToFullPath(), IsLink(ref e)),
                new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None }
            )
            {
                ShouldIncludePredicate = (ref FileSystemEntry e) => !e.IsDirectory || IsLink(ref e),
                ShouldRecursePredicate = (ref FileSystemEntry e) => !IsLink(ref e),
            }
                .Select(f =>
                    (
                        f.Path,
                        name
                            + "/"
                            + System
                                .IO.Path.GetRelativePath(root, f.Path)
                                .Replace(System.IO.Path.DirectorySeparatorChar, '/'),
                        f.IsLink ? "a link" : FileKind.Fault(f.Path, mayBeLink: false)
                    )
                )
                .OrderBy(f => f.Item2, StringComparer.Ordinal),
        ];
        return new RawFile(
            name,
            [.. found.Where(f => f.Fault is null).Select(f => FromPath(f.Path, f.Name))],
            [.. found.Where(f => f.Fault is not null).Select(f => (f.Name, $"it is {f.Fault}"))]
        );
    }

    private static bool IsLink(ref FileSystemEntry entry) => entry.Attributes.HasFlag(FileAttributes.ReparsePoint);

    /// <summary>Opens the file at its start.</summary>
    public Stream Open() => _open();

    /// <summary>The first bytes.</summary>
    internal byte[] Head(int most)
    {
        using Stream stream = _open();
        byte[] head = new byte[(int)Math.Min(most, Length)];
        int read = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return read == head.Length ? head : head[..read];
    }
}
