using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>A blob that one process at a time may write: it holds the lease, and every write carries it.</summary>
public sealed class LeasedBlob
{
    private readonly BlobAddress _address;
    private readonly BlobClient _blob;
    private readonly BlobLeaseClient _lease;

    private LeasedBlob(BlobAddress address, BlobClient blob, BlobLeaseClient lease)
    {
        (_address, _blob, _lease) = (address, blob, lease);
    }

    /// <summary>Takes the lease; the blob is made where there is none.</summary>
    /// <param name="service">The account.</param>
    /// <param name="address">The blob.</param>
    /// <param name="duration">15 to 60 s; without a renewal the lease ends then.</param>
    /// <param name="cancellation">Ends the call.</param>
    /// <returns>The blob; <c>null</c>: another one holds it.</returns>
    public static async Task<LeasedBlob?> TryAcquireAsync(
        BlobServiceClient service,
        BlobAddress address,
        TimeSpan duration,
        CancellationToken cancellation
    )
    {
        ArgumentNullException.ThrowIfNull(service);
        BlobClient blob = service.GetBlobContainerClient(address.Container).GetBlobClient(address.Name);
        try
        {
            await blob.UploadAsync(
                    BinaryData.Empty,
                    new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } },
                    cancellation
                )
                .ConfigureAwait(false);
        }
        catch (RequestFailedException fault) when (fault.Status is 409 or 412)
        {
            // it is there already
        }

        // An id of our own: the answer to a first call may be lost, and the second finds the lease to be ours.
        BlobLeaseClient lease = blob.GetBlobLeaseClient(Guid.NewGuid().ToString());
        try
        {
            await lease.AcquireAsync(duration, cancellationToken: cancellation).ConfigureAwait(false);
            return new LeasedBlob(address, blob, lease);
        }
        catch (RequestFailedException fault) when (fault.Status == 409)
        {
            return null;
        }
    }

    /// <summary>What the blob holds; <c>null</c>: nothing yet.</summary>
    public async Task<T?> ReadJsonAsync<T>(CancellationToken cancellation)
        where T : class
    {
        BlobDownloadResult result = await _blob.DownloadContentAsync(cancellation).ConfigureAwait(false);
        ReadOnlyMemory<byte> bytes = result.Content.ToMemory();
        return bytes.IsEmpty ? null : ContractJson.Read<T>(bytes.Span);
    }

    /// <summary>Writes the blob.</summary>
    /// <exception cref="LeaseLostException">Another one holds the lease.</exception>
    public Task WriteJsonAsync<T>(T value, CancellationToken cancellation) =>
        HeldAsync(() =>
            _blob.UploadAsync(
                new BinaryData(ContractJson.WriteUtf8(value, indented: true)),
                new BlobUploadOptions { Conditions = new BlobRequestConditions { LeaseId = _lease.LeaseId } },
                cancellation
            )
        );

    /// <summary>Holds the lease for another of its durations.</summary>
    /// <exception cref="LeaseLostException">Another one holds the lease.</exception>
    public Task RenewAsync(CancellationToken cancellation) =>
        HeldAsync(() => _lease.RenewAsync(cancellationToken: cancellation));

    /// <summary>Gives the lease back; one that is lost already stays lost.</summary>
    public async Task ReleaseAsync(CancellationToken cancellation)
    {
        try
        {
            await _lease.ReleaseAsync(cancellationToken: cancellation).ConfigureAwait(false);
        }
        catch (RequestFailedException fault) when (fault.Status is 404 or 409 or 412)
        {
            // another's, or the blob is gone
        }
    }

    private async Task HeldAsync(Func<Task> call)
    {
        try
        {
            await call().ConfigureAwait(false);
        }
        catch (RequestFailedException fault) when (fault.Status is 404 or 409 or 412)
        {
            throw new LeaseLostException(_address);
        }
    }
}
