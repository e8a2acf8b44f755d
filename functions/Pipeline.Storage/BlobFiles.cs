using System.Security.Cryptography;
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
    public async Task<byte[]?> ReadAsync(BlobAddress address, CancellationToken cancellation) =>
        (await ReadWithTagAsync(address, cancellation).ConfigureAwait(false))?.Bytes;

    /// <summary>Reads a blob with its ETag; <c>null</c>: there is none.</summary>
    public async Task<(byte[] Bytes, string Tag)?> ReadWithTagAsync(BlobAddress address, CancellationToken cancellation)
    {
        try
        {
            Response<BlobDownloadResult> result = await Client(address)
                .DownloadContentAsync(cancellation)
                .ConfigureAwait(false);
            return (result.Value.Content.ToArray(), result.Value.Details.ETag.ToString());
        }
        catch (RequestFailedException fault) when (fault.Status == 404)
        {
            return null;
        }
    }

    /// <summary>Opens a blob for reading, piece by piece; <c>null</c>: there is none.</summary>
    /// <param name="address">The blob.</param>
    /// <param name="tag">The ETag that it must have; <c>null</c>: any.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>A seekable stream and the ETag.</returns>
    /// <exception cref="InvalidDataException">It has another ETag.</exception>
    public async Task<(Stream Stream, string Tag)?> OpenAsync(
        BlobAddress address,
        string? tag,
        CancellationToken cancellation
    )
    {
        try
        {
            BlobProperties? properties = await PropertiesAsync(address, cancellation).ConfigureAwait(false);
            if (properties is null)
            {
                return null;
            }

            if (tag is not null && properties.ETag != new ETag(tag))
            {
                throw Changed(address);
            }

            var options = new BlobOpenReadOptions(allowModifications: false)
            {
                Conditions = new BlobRequestConditions { IfMatch = properties.ETag },
            };
            return (
                await Client(address).OpenReadAsync(options, cancellation).ConfigureAwait(false),
                properties.ETag.ToString()
            );
        }
        catch (RequestFailedException fault) when (fault.Status == 412)
        {
            throw Changed(address);
        }
    }

    /// <summary>SHA-256 of a blob, lower-case hexadecimal; <c>null</c>: there is none.</summary>
    public async Task<string?> HashAsync(BlobAddress address, CancellationToken cancellation)
    {
        if (await OpenAsync(address, null, cancellation).ConfigureAwait(false) is not { } blob)
        {
            return null;
        }

        await using (blob.Stream.ConfigureAwait(false))
        {
            return Convert.ToHexStringLower(
                await SHA256.HashDataAsync(blob.Stream, cancellation).ConfigureAwait(false)
            );
        }
    }

    /// <summary>Writes a file as a blob, whatever stands there.</summary>
    public Task WriteFileAsync(BlobAddress address, string path, CancellationToken cancellation) =>
        Client(address).UploadAsync(path, overwrite: true, cancellation);

    /// <summary>Reads a contract; <c>null</c>: there is no such blob.</summary>
    public async Task<T?> ReadJsonAsync<T>(BlobAddress address, CancellationToken cancellation)
        where T : class
    {
        byte[]? bytes = await ReadAsync(address, cancellation).ConfigureAwait(false);
        return bytes is null ? null : ContractJson.Read<T>(bytes);
    }

    /// <summary>Whether a blob exists.</summary>
    public async Task<bool> ExistsAsync(BlobAddress address, CancellationToken cancellation) =>
        await Client(address).ExistsAsync(cancellation).ConfigureAwait(false);

    /// <summary>Writes a blob, whatever stands there.</summary>
    public Task WriteAsync(BlobAddress address, byte[] bytes, CancellationToken cancellation) =>
        Client(address).UploadAsync(new BinaryData(bytes), overwrite: true, cancellation);

    /// <summary>Writes a contract.</summary>
    public Task WriteJsonAsync<T>(BlobAddress address, T value, CancellationToken cancellation) =>
        WriteAsync(address, ContractJson.WriteUtf8(value, indented: true), cancellation);

    /// <summary>Writes a blob only if it still is the one that was read.</summary>
    /// <param name="address">The blob.</param>
    /// <param name="bytes">Its new content.</param>
    /// <param name="tag">The ETag read; <c>null</c>: there was none.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The ETag that it has now; <c>null</c>: it is another one, and was not written.</returns>
    public Task<string?> TryWriteAsync(
        BlobAddress address,
        byte[] bytes,
        string? tag,
        CancellationToken cancellation
    ) => TryUploadAsync(tag, options => Client(address).UploadAsync(new BinaryData(bytes), options, cancellation));

    /// <summary>Changes a contract; the change is called again whenever another writer came first.</summary>
    /// <param name="address">The blob.</param>
    /// <param name="missing">What is changed where there is no blob yet.</param>
    /// <param name="change">From the contract as it is to what it shall be.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The contract as written.</returns>
    public Task<T> UpdateJsonAsync<T>(BlobAddress address, T missing, Func<T, T> change, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(change);
        return OptimisticUpdate.RunAsync(
            async () =>
                await ReadWithTagAsync(address, cancellation).ConfigureAwait(false) is { } found
                    ? (ContractJson.Read<T>(found.Bytes), found.Tag)
                    : (missing, null),
            change,
            async (changed, tag) =>
                await TryWriteAsync(address, ContractJson.WriteUtf8(changed, indented: true), tag, cancellation)
                    .ConfigureAwait(false)
                    is not null
        );
    }

    /// <summary>Writes a file's content under the same condition.</summary>
    public Task<string?> TryWriteFileAsync(
        BlobAddress address,
        string path,
        string? tag,
        CancellationToken cancellation
    ) => TryUploadAsync(tag, options => Client(address).UploadAsync(path, options, cancellation));

    /// <summary>A blob's ETag; <c>null</c>: there is none.</summary>
    public async Task<string?> TagAsync(BlobAddress address, CancellationToken cancellation) =>
        (await PropertiesAsync(address, cancellation).ConfigureAwait(false))?.ETag.ToString();

    /// <summary>When a blob was last written; <c>null</c>: there is none.</summary>
    public async Task<DateTimeOffset?> WrittenAsync(BlobAddress address, CancellationToken cancellation) =>
        (await PropertiesAsync(address, cancellation).ConfigureAwait(false))?.LastModified;

    /// <summary>A blob's length, bytes; 0 where there is none.</summary>
    public async Task<long> LengthAsync(BlobAddress address, CancellationToken cancellation) =>
        (await PropertiesAsync(address, cancellation).ConfigureAwait(false))?.ContentLength ?? 0;

    /// <summary>Reads a blob from a position on; empty where there is nothing.</summary>
    public async Task<byte[]> ReadFromAsync(BlobAddress address, long position, CancellationToken cancellation)
    {
        try
        {
            Response<BlobDownloadResult> result = await Client(address)
                .DownloadContentAsync(new BlobDownloadOptions { Range = new HttpRange(position) }, cancellation)
                .ConfigureAwait(false);
            return result.Value.Content.ToArray();
        }
        catch (RequestFailedException fault) when (fault.Status is 404 or 416)
        {
            return [];
        }
    }

    /// <summary>
    /// Puts text after what an append blob holds, if it is as long as thought; makes the blob where there is none.
    /// </summary>
    /// <param name="address">The blob.</param>
    /// <param name="bytes">The text.</param>
    /// <param name="position">Its length as thought.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>Whether it was as long as thought.</returns>
    public async Task<bool> TryAppendAsync(
        BlobAddress address,
        byte[] bytes,
        long position,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(bytes);
        AppendBlobClient blob = service.GetBlobContainerClient(address.Container).GetAppendBlobClient(address.Name);
        if (position == 0)
        {
            await blob.CreateIfNotExistsAsync(cancellationToken: cancellation).ConfigureAwait(false);
        }

        using var stream = new MemoryStream(bytes, writable: false);
        try
        {
            var options = new AppendBlobAppendBlockOptions
            {
                Conditions = new AppendBlobRequestConditions { IfAppendPositionEqual = position },
            };
            await blob.AppendBlockAsync(stream, options, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (RequestFailedException fault) when (fault.Status is 412 or 404)
        {
            return false;
        }
    }

    /// <summary>Adds a block to an append blob, whoever else adds one; makes the blob where there is none.</summary>
    /// <param name="address">The blob.</param>
    /// <param name="bytes">The block; at most 4 MiB.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The blocks that it has now; one more than <see cref="MaxBlocks"/>: it was full, and nothing was
    /// added.</returns>
    public async Task<int> AppendAsync(BlobAddress address, byte[] bytes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        AppendBlobClient blob = service.GetBlobContainerClient(address.Container).GetAppendBlobClient(address.Name);
        while (true)
        {
            using var stream = new MemoryStream(bytes, writable: false);
            try
            {
                Response<BlobAppendInfo> added = await blob.AppendBlockAsync(stream, cancellationToken: cancellation)
                    .ConfigureAwait(false);
                return added.Value.BlobCommittedBlockCount;
            }
            catch (RequestFailedException fault) when (fault.ErrorCode == BlobErrorCode.BlobNotFound)
            {
                await blob.CreateIfNotExistsAsync(cancellationToken: cancellation).ConfigureAwait(false);
            }
            catch (RequestFailedException fault) when (fault.ErrorCode == BlobErrorCode.BlockCountExceedsLimit)
            {
                return MaxBlocks + 1;
            }
        }
    }

    /// <summary>Blocks that an append blob can have.</summary>
    public const int MaxBlocks = 50_000;

    /// <summary>The blocks of an append blob; 0 where there is none.</summary>
    public async Task<int> BlocksAsync(BlobAddress address, CancellationToken cancellation) =>
        (await PropertiesAsync(address, cancellation).ConfigureAwait(false))?.BlobCommittedBlockCount ?? 0;

    /// <summary>Names, sizes and times of making of the blobs under a prefix, in ordinal order.</summary>
    public async Task<IReadOnlyList<(string Name, long Bytes, DateTimeOffset CreatedAt)>> ListCreatedAsync(
        string container,
        string prefix,
        CancellationToken cancellation
    )
    {
        var found = new List<(string, long, DateTimeOffset)>();
        await foreach (
            BlobItem item in service
                .GetBlobContainerClient(container)
                .GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, cancellation)
                .ConfigureAwait(false)
        )
        {
            found.Add((item.Name, item.Properties.ContentLength ?? 0, item.Properties.CreatedOn ?? default));
        }

        return found;
    }

    /// <summary>Names and sizes of the blobs under a prefix, in ordinal order.</summary>
    public async Task<IReadOnlyList<(string Name, long Bytes)>> ListAsync(
        string container,
        string prefix,
        CancellationToken cancellation
    )
    {
        return
        [
            .. (await ListCreatedAsync(container, prefix, cancellation).ConfigureAwait(false)).Select(b =>
                (b.Name, b.Bytes)
            ),
        ];
    }

    /// <summary>Deletes a blob where there is one.</summary>
    public Task DeleteAsync(BlobAddress address, CancellationToken cancellation) =>
        Client(address).DeleteIfExistsAsync(cancellationToken: cancellation);

    /// <summary>Deletes every blob under a prefix.</summary>
    public async Task DeletePrefixAsync(string container, string prefix, CancellationToken cancellation)
    {
        foreach ((string name, _) in await ListAsync(container, prefix, cancellation).ConfigureAwait(false))
        {
            await DeleteAsync(new BlobAddress(container, name), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the blobs under a prefix into a folder.</summary>
    /// <param name="container">Their container.</param>
    /// <param name="prefix">The prefix.</param>
    /// <param name="directory">The folder.</param>
    /// <param name="cancellation">Ends the calls.</param>
    /// <param name="below">Whether those in folders below it come too.</param>
    public async Task DownloadAsync(
        string container,
        string prefix,
        string directory,
        CancellationToken cancellation,
        bool below = true
    )
    {
        foreach ((string name, _) in await ListAsync(container, prefix, cancellation).ConfigureAwait(false))
        {
            if (!below && name.AsSpan(prefix.Length).Contains('/'))
            {
                continue;
            }

            string path = Path.GetFullPath(Path.Combine(directory, name[prefix.Length..]));
            if (!path.StartsWith(Path.GetFullPath(directory) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            {
                throw new InvalidDataException(
                    $"The blob '{container}/{name}' would be written outside of its folder."
                );
            }

            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await Client(new BlobAddress(container, name)).DownloadToAsync(path, cancellation).ConfigureAwait(false);
        }
    }

    private static InvalidDataException Changed(BlobAddress address) =>
        new($"'{address}' changed while it was read; the change starts a run of its own.");

    private static async Task<string?> TryUploadAsync(
        string? tag,
        Func<BlobUploadOptions, Task<Response<BlobContentInfo>>> upload
    )
    {
        var conditions = tag is null
            ? new BlobRequestConditions { IfNoneMatch = ETag.All }
            : new BlobRequestConditions { IfMatch = new ETag(tag) };
        try
        {
            return (
                await upload(new BlobUploadOptions { Conditions = conditions }).ConfigureAwait(false)
            ).Value.ETag.ToString();
        }
        catch (RequestFailedException fault) when (fault.Status is 409 or 412)
        {
            return null;
        }
    }

    private async Task<BlobProperties?> PropertiesAsync(BlobAddress address, CancellationToken cancellation)
    {
        try
        {
            return (
                await Client(address).GetPropertiesAsync(cancellationToken: cancellation).ConfigureAwait(false)
            ).Value;
        }
        catch (RequestFailedException fault) when (fault.Status == 404)
        {
            return null;
        }
    }

    private BlobClient Client(BlobAddress address) =>
        service.GetBlobContainerClient(address.Container).GetBlobClient(address.Name);
}
