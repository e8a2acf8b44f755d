using Pipeline.Contracts;
using Pipeline.Datasets.Ingestion.Rows;

namespace Pipeline.Datasets.Ingestion.Files;

/// <summary>An archive while it is unpacked.</summary>
/// <param name="Spool">Where unpacked bytes go.</param>
/// <param name="Budget">What unpacking may cost.</param>
/// <param name="Notes">Takes up which of its files are not read.</param>
/// <param name="Packed">Bytes of the archive.</param>
internal sealed record Unpacking(Spool Spool, InputBudget Budget, ReadingNotes Notes, long Packed)
{
    private const long SuspiciousBytes = 1L << 30;
    private const long LargestRatio = 500; // gzip's own limit is 1,032: text does not come near it
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private int _files;

    /// <summary>Bytes that all its files together may have.</summary>
    public long Allowed => Math.Max(SuspiciousBytes, Packed * LargestRatio);

    /// <summary>
    /// The name of a file of the archive, checked; <c>null</c>: it leads elsewhere or came before, and is refused.
    /// </summary>
    public string? Named(RawFile archive, string name)
    {
        string path = $"{archive.Name}/{name}";
        string? fault =
            SafeName.Fault(name, NameKind.Path) is { } unsafeName ? unsafeName.TrimEnd('.')
            : !_names.Add(path) ? "another file of the archive has the same name"
            : null;
        if (fault is not null)
        {
            Refuse(archive, name, fault);
            return null;
        }

        return path;
    }

    /// <summary>Notes that a file of the archive is not read.</summary>
    public void Refuse(RawFile archive, string name, string why) =>
        Notes.AddUnread(new RawFile($"{archive.Name}/{name}", ReadOnlyMemory<byte>.Empty), why);

    /// <summary>Counts further files of the archive or of one in it.</summary>
    /// <exception cref="DatasetException">There are too many.</exception>
    public void Count(RawFile archive, int files)
    {
        _files += files;
        if (_files > Budget.Limits.Entries)
        {
            throw new DatasetException(
                DatasetFaultCode.UnreadableFile,
                $"'{archive.Name}' holds more than {Budget.Limits.Entries:N0} files; divide it, or "
                    + $"{InputBudget.Raise(nameof(Budget.Limits.Entries))}."
            );
        }
    }
}
