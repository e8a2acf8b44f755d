using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Rows one after the other on the device, with all that tells where their tokens stand: one copy from pinned memory,
/// which the host does not wait for.
/// </summary>
internal sealed class GpuBatch : IDisposable
{
    private readonly Tensor _all; // int32, all of it

    /// <summary>Copies rows to the device.</summary>
    /// <param name="rows">Token ids of each; none may be empty.</param>
    /// <param name="predicting">Tokens, counted over all rows, whose next one is supervised.</param>
    /// <param name="targets">Those next ones.</param>
    /// <param name="device">Where.</param>
    public GpuBatch(
        IReadOnlyList<IReadOnlyList<int>> rows,
        IReadOnlyList<int> predicting,
        IReadOnlyList<int> targets,
        Device device
    )
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(predicting);
        Lengths = [.. rows.Select(r => r.Count)];
        (Count, Longest) = (Lengths.Sum(), Lengths.Max());
        (int[]? tokenOfSlot, int[]? slotOfToken) = PackedRows.Layout(Lengths);
        int[] readOf = [.. Enumerable.Repeat(-1, Count)];
        foreach ((int index, int token) in predicting.Index())
        {
            readOf[token] = index;
        }

        HostIds = [.. rows.SelectMany(r => r)];
        using DisposeScope scope = NewDisposeScope();
        Tensor all = tensor([
            .. HostIds,
            .. Lengths.SelectMany(l => Enumerable.Range(0, l)),
            .. predicting,
            .. targets,
            .. readOf,
            .. tokenOfSlot ?? [],
            .. slotOfToken ?? [],
        ]);
        _all = all.ToDeviceAsync(device).DetachFromDisposeScope();
        long at = 0;
        Tensor Next(long count)
        {
            at += count;
            return _all.narrow(0, at - count, count).DetachFromDisposeScope();
        }

        (Ids, Positions, Predicting, Targets, ReadOf) = (
            Next(Count),
            Next(Count),
            Next(predicting.Count),
            Next(predicting.Count),
            Next(Count)
        );
        (TokenOfSlot, SlotOfToken) = tokenOfSlot is null ? (null, null) : (Next(Slots), Next(Count));
    }

    /// <summary>Tokens of each row.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Tokens of all rows.</summary>
    public int Count { get; }

    /// <summary>Tokens of the longest row.</summary>
    public int Longest { get; }

    /// <summary>Places for tokens where rows are laid side by side.</summary>
    public long Slots => Lengths.Count * (long)Longest;

    /// <summary>Tokens whose next one is supervised.</summary>
    public long Supervised => Predicting.NumberOfElements;

    /// <summary>int32 [tokens].</summary>
    public Tensor Ids { get; }

    /// <summary>The same on the host.</summary>
    public IReadOnlyList<int> HostIds { get; }

    /// <summary>int32 [tokens]: places in their rows.</summary>
    public Tensor Positions { get; }

    /// <summary>int32 [supervised]: tokens whose next one is supervised.</summary>
    public Tensor Predicting { get; }

    /// <summary>int32 [supervised]: those next ones.</summary>
    public Tensor Targets { get; }

    /// <summary>int32 [tokens]: the place of each among those whose next one is supervised, or -1.</summary>
    public Tensor ReadOf { get; }

    /// <summary>
    /// int32 [slots]: the token of each, or -1; <c>null</c>: rows of one length, where both are the same.
    /// </summary>
    public Tensor? TokenOfSlot { get; }

    /// <summary>int32 [tokens].</summary>
    public Tensor? SlotOfToken { get; }

    public void Dispose() =>
        Array.ForEach([Ids, Positions, Predicting, Targets, ReadOf, TokenOfSlot, SlotOfToken, _all], t => t?.Dispose());
}
