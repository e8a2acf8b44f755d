using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace Pipeline.Datasets.Splitting;

/// <summary>
/// Signatures of texts, one after the other, on disk: a quarter of a kilobyte each, and there may be millions.
/// </summary>
public sealed class SignatureStore : IDisposable
{
    private const int Bytes = NearDuplicates.Hashes * sizeof(uint);
    private readonly FileStream _file = new(
        Path.Combine(Path.GetTempPath(), $"pipeline-signatures-{Guid.NewGuid():N}"),
        FileMode.CreateNew,
        FileAccess.ReadWrite,
        FileShare.None,
        1 << 16,
        FileOptions.DeleteOnClose
    );
    private MemoryMappedFile? _map;
    private MemoryMappedViewAccessor? _view;

    /// <summary>Signatures held.</summary>
    public int Count { get; private set; }

    /// <summary>Takes up a signature.</summary>
    /// <returns>Its number.</returns>
    public int Add(ReadOnlySpan<uint> signature)
    {
        ObjectDisposedException.ThrowIf(_map is not null, this); // all come before the first is read
        _file.Write(MemoryMarshal.AsBytes(signature));
        return Count++;
    }

    /// <summary>Reads a signature.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="signature">Of <see cref="NearDuplicates.Hashes"/> numbers.</param>
    public void Read(int number, uint[] signature)
    {
        if (_view is null)
        {
            _file.Flush();
            _map = MemoryMappedFile.CreateFromFile(
                _file,
                null,
                0,
                MemoryMappedFileAccess.Read,
                HandleInheritability.None,
                leaveOpen: true
            );
            _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        }

        _view.ReadArray((long)number * Bytes, signature, 0, NearDuplicates.Hashes);
    }

    public void Dispose()
    {
        _view?.Dispose();
        _map?.Dispose();
        _file.Dispose();
    }
}
