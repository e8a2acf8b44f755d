using Pipeline.Contracts;

namespace Pipeline.Storage;

/// <summary>Another one holds the lease now: nothing may be written any more.</summary>
public sealed class LeaseLostException(BlobAddress address) : Exception($"The lease on '{address}' is another's now.")
{
    /// <summary>The blob that was leased.</summary>
    public BlobAddress Address { get; } = address;
}
