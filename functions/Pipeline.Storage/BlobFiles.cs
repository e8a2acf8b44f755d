using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>Blobs as whole files.</summary>
public sealed class BlobFiles(BlobServiceClient service)
{
    /// <summary>Reads a blob; <c>null</c>: there is none.</summary>
    public async Task<byte[]?> ReadAsync(BlobAddress address, CancellationToken cancellation) => (await ReadWithTagAsync(address, cancellation).ConfigureAwait(false))?.Bytes;

    /// <summary>Reads a blob with its ETag; <c>null</c>: there is none.</summary>
    public async Task<(byte[] Bytes, string Tag)?> ReadWithTagAsync(BlobAddress address, CancellationToken cancellation)
    {
        try
        {
            Response<BlobDownloadResult> result = await Client(address).DownloadContentAsync(cancellation).ConfigureAwait(false);
            return (result.Value.Content.ToArray(), result.Value.Details.ETag.ToString());
        }
        catch (RequestFailedException fault) when (fault.Status == 404)
        {
            return null;
        }
    }

    /// <summary>Reads a contract; <c>null</c>: there is no such blob.</summary>
    public async Task<T?> ReadJsonAsync<T>(BlobAddress address, CancellationToken cancellation)
        where T : class
    {
        byte[]? bytes = await ReadAsync(address, cancellation).ConfigureAwait(false);
        return bytes is null ? null : ContractJson.Read<T>(bytes);
    }

    /// <summary>Whether a blob exists.</summary>
    public async Task<bool> ExistsAsync(BlobAddress address, CancellationToken cancellation) => await Client(address).ExistsAsync(cancellation).ConfigureAwait(false);

    /// <summary>Writes a blob, whatever stands there.</summary>
    public Task WriteAsync(BlobAddress address, byte[] bytes, CancellationToken cancellation) =>
        Client(address).UploadAsync(new BinaryData(bytes), overwrite: true, cancellation);

    /// <summary>Writes a contract.</summary>
    public Task WriteJsonAsync<T>(BlobAddress address, T value, CancellationToken cancellation) => WriteAsync(address, ContractJson.WriteUtf8(value, indented: true), cancellation);

    /// <summary>Writes a blob only if it still is the one that was read.</summary>
    /// <param name="address">The blob.</param>
    /// <param name="bytes">Its new content.</param>
    /// <param name="tag">The ETag read; <c>null</c>: there was none.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>Whether it was written.</returns>
    public async Task<bool> TryWriteAsync(BlobAddress address, byte[] bytes, string? tag, CancellationToken cancellation)
    {
        var conditions = tag is null ? new BlobRequestConditions { IfNoneMatch = ETag.All } : new BlobRequestConditions { IfMatch = new ETag(tag) };
        try
        {
            await Client(address).UploadAsync(new BinaryData(bytes), new BlobUploadOptions { Conditions = conditions }, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException fault) when (fault.Status is 409 or 412)
        {
            return false;
        }
    }

    /// <summary>Puts text behind what an append blob holds; makes the blob where there is none.</summary>
    public async Task AppendAsync(BlobAddress address, byte[] bytes, CancellationToken cancellation)
    {
        AppendBlobClient blob = service.GetBlobContainerClient(address.Container).GetAppendBlobClient(address.Name);
        await blob.CreateIfNotExistsAsync(cancellationToken: cancellation).ConfigureAwait(false);
        using var stream = new MemoryStream(bytes, writable: false);
        await blob.AppendBlockAsync(stream, cancellationToken: cancellation).ConfigureAwait(false);
    }

    /// <summary>Names and sizes of the blobs under a prefix, in ordinal order.</summary>
    public async Task<IReadOnlyList<(string Name, long Bytes)>> ListAsync(string container, string prefix, CancellationToken cancellation)
    {
        var found = new List<(string, long)>();
        await foreach (BlobItem item in service.GetBlobContainerClient(container).GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, cancellation).ConfigureAwait(false))
        {
            found.Add((item.Name, item.Properties.ContentLength ?? 0));
        }

        return found;
    }

    /// <summary>Deletes a blob where there is one.</summary>
    public Task DeleteAsync(BlobAddress address, CancellationToken cancellation) => Client(address).DeleteIfExistsAsync(cancellationToken: cancellation);

    /// <summary>Deletes every blob under a prefix.</summary>
    public async Task DeletePrefixAsync(string container, string prefix, CancellationToken cancellation)
    {
        foreach ((string name, _) in await ListAsync(container, prefix, cancellation).ConfigureAwait(false))
        {
            await DeleteAsync(new BlobAddress(container, name), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the blobs under a prefix into a folder.</summary>
    public async Task DownloadAsync(string container, string prefix, string directory, CancellationToken cancellation)
    {
        foreach ((string name, _) in await ListAsync(container, prefix, cancellation).ConfigureAwait(false))
        {
            string path = Path.GetFullPath(Path.Combine(directory, name[prefix.Length..]));
            if (!path.StartsWith(Path.GetFullPath(directory) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            {
                throw new InvalidDataException($"The blob '{container}/{name}' would be written outside of its folder.");
            }

            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await Client(new BlobAddress(container, name)).DownloadToAsync(path, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Writes a folder's files, those in its folders too, under a prefix.</summary>
    public async Task UploadAsync(string directory, string container, string prefix, CancellationToken cancellation)
    {
        foreach (string path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string name = prefix + Path.GetRelativePath(directory, path).Replace(Path.DirectorySeparatorChar, '/');
            await Client(new BlobAddress(container, name)).UploadAsync(path, overwrite: true, cancellation).ConfigureAwait(false);
        }
    }

    private BlobClient Client(BlobAddress address) => service.GetBlobContainerClient(address.Container).GetBlobClient(address.Name);
}
