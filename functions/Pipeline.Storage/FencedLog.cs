using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>
/// Lines put after an append blob, each once: an append is bound to the blob's length, so one whose answer was lost is
/// not made again.
/// </summary>
public sealed class FencedLog(BlobFiles files, LeasedBlob lease, BlobAddress address)
{
    private long? _length;

    /// <summary>Puts text after what stands there.</summary>
    /// <exception cref="LeaseLostException">The lease is another's.</exception>
    public async Task AppendAsync(byte[] bytes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        _length ??= await files.LengthAsync(address, cancellation).ConfigureAwait(false);
        while (!await files.TryAppendAsync(address, bytes, _length.Value, cancellation).ConfigureAwait(false))
        {
            byte[] since = await files.ReadFromAsync(address, _length.Value, cancellation).ConfigureAwait(false);
            if (since.AsSpan().StartsWith(bytes))
            {
                break; // it was written; only the answer was lost
            }

            await lease.RenewAsync(cancellation).ConfigureAwait(false);
            _length = await files.LengthAsync(address, cancellation).ConfigureAwait(false);
        }

        _length += bytes.Length;
    }
}
