using System.Security.Cryptography;

namespace Pipeline.Datasets.Building;

/// <summary>Writes a file of a dataset and hashes it on the way.</summary>
internal sealed class HashingFileWriter(string path) : IDisposable
{
    private readonly FileStream _file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 16);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Writes a line.</summary>
    public void WriteLine(ReadOnlySpan<byte> line)
    {
        Write(line);
        Write("\n"u8);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _file.Write(bytes);
        _hash.AppendData(bytes);
    }

    /// <summary>Closes the file.</summary>
    /// <returns>SHA-256 of all of it, lower-case hexadecimal.</returns>
    public string CloseAndGetSha256()
    {
        _file.Dispose();
        return Convert.ToHexStringLower(_hash.GetCurrentHash());
    }

    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
    }
}
