using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>
/// Writes that only the holder of a lease can make, however long it was paused in between. A storage lease guards one
/// blob; here every write of another blob is bound to the ETag that the blob had while the lease was surely held: look,
/// confirm the lease, write. A successor that has written since has changed the ETag, and the write is refused.
/// </summary>
public sealed class FencedFiles(BlobFiles files, LeasedBlob lease)
{
    private readonly Dictionary<BlobAddress, string?> _tags = [];

    /// <summary>Writes a blob.</summary>
    /// <exception cref="LeaseLostException">The lease is another's.</exception>
    public Task WriteFileAsync(BlobAddress address, string path, CancellationToken cancellation) =>
        WriteAsync(address, tag => files.TryWriteFileAsync(address, path, tag, cancellation), cancellation);

    /// <summary>Writes a blob of bytes.</summary>
    public Task WriteAsync(BlobAddress address, byte[] bytes, CancellationToken cancellation) =>
        WriteAsync(address, tag => files.TryWriteAsync(address, bytes, tag, cancellation), cancellation);

    /// <summary>
    /// Writes a folder's files, those in its folders too, under a prefix, and removes what else lies there.
    /// </summary>
    /// <exception cref="LeaseLostException">The lease is another's.</exception>
    public async Task UploadAsync(string directory, string container, string prefix, CancellationToken cancellation)
    {
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (
            string path in Directory
                .EnumerateFiles(directory, "*", SearchOption.AllDirectories)
                .Order(StringComparer.Ordinal)
        )
        {
            string name = prefix + Path.GetRelativePath(directory, path).Replace(Path.DirectorySeparatorChar, '/');
            var address = new BlobAddress(container, name);
            await WriteAsync(address, tag => files.TryWriteFileAsync(address, path, tag, cancellation), cancellation)
                .ConfigureAwait(false);
            written.Add(name);
        }

        foreach ((string name, _) in await files.ListAsync(container, prefix, cancellation).ConfigureAwait(false))
        {
            if (!written.Contains(name))
            {
                await lease.RenewAsync(cancellation).ConfigureAwait(false);
                // of an earlier attempt that did not come to its end
                await files.DeleteAsync(new BlobAddress(container, name), cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task WriteAsync(
        BlobAddress address,
        Func<string?, Task<string?>> write,
        CancellationToken cancellation
    )
    {
        string? tag = _tags.TryGetValue(address, out string? known)
            ? known
            : await LookAsync(address, cancellation).ConfigureAwait(false);
        string? fresh;
        while ((fresh = await write(tag).ConfigureAwait(false)) is null)
        {
            tag = await LookAsync(address, cancellation).ConfigureAwait(false);
        }

        _tags[address] = fresh;
    }

    private async Task<string?> LookAsync(BlobAddress address, CancellationToken cancellation)
    {
        string? tag = await files.TagAsync(address, cancellation).ConfigureAwait(false);
        // after the look: what changes the blob from now on changes its tag
        await lease.RenewAsync(cancellation).ConfigureAwait(false);
        return tag;
    }
}
