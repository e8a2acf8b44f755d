using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// Rows of tokens one after the other, with no padding between them. All work on single tokens is done in this flat
/// form; only attention lays rows side by side, so that no token sees another row's.
/// </summary>
public sealed class PackedRows : IDisposable
{
    // int64 [rows · longest]; padding points at token 0, which nothing real ever sees
    private readonly Tensor? _tokenOfSlot;
    private readonly Tensor? _slotOfToken; // int64 [tokens]

    /// <summary>Packs rows.</summary>
    /// <param name="rows">Token ids of each; none may be empty.</param>
    public PackedRows(IReadOnlyList<IReadOnlyList<int>> rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using DisposeScope scope = NewDisposeScope();
        Lengths = [.. rows.Select(r => r.Count)];
        (Count, Longest) = (Lengths.Sum(), Lengths.Max());
        Positions = [.. rows.SelectMany(r => Enumerable.Range(0, r.Count))];
        Ids = tensor([.. rows.SelectMany(r => r).Select(i => (long)i)]).DetachFromDisposeScope();
        (int[]? tokens, int[]? slots) = Layout(Lengths);
        if (tokens is not null)
        {
            _tokenOfSlot = tensor([.. tokens.Select(t => (long)Math.Max(t, 0))]).DetachFromDisposeScope();
            _slotOfToken = tensor([.. slots!.Select(s => (long)s)]).DetachFromDisposeScope();
        }
    }

    /// <summary>Where tokens stand when rows are laid side by side.</summary>
    /// <param name="lengths">Of the rows.</param>
    /// <returns>The token of each slot, or -1, and the slot of each token; <c>null</c>: rows of one length, where both
    /// are the same.</returns>
    internal static (int[]? TokenOfSlot, int[]? SlotOfToken) Layout(IReadOnlyList<int> lengths)
    {
        int longest = lengths.Max();
        if (lengths.All(l => l == longest))
        {
            return (null, null);
        }

        int[] tokens = [.. Enumerable.Repeat(-1, checked(lengths.Count * longest))],
            slots = new int[lengths.Sum()];
        int token = 0;
        for (int row = 0; row < lengths.Count; row++)
        {
            for (int i = 0; i < lengths[row]; i++)
            {
                slots[token] = (row * longest) + i;
                tokens[slots[token]] = token;
                token++;
            }
        }

        return (tokens, slots);
    }

    /// <summary>int64 [tokens].</summary>
    public Tensor Ids { get; }

    /// <summary>Tokens of each row.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Tokens of all rows.</summary>
    public int Count { get; }

    /// <summary>Tokens of the longest row.</summary>
    public int Longest { get; }

    /// <summary>The position of each token in its row.</summary>
    internal int[] Positions { get; }

    /// <summary>
    /// The ids side by side, padded on the right with 0, int64 [rows, longest]. In the caller's dispose scope.
    /// </summary>
    public Tensor PaddedIds() => Pad(Ids.unsqueeze(1)).view(Lengths.Count, Longest);

    /// <summary>
    /// Numbers of tokens side by side, zeros in padding: [tokens, width] to [rows, longest, width]. In the caller's
    /// dispose scope.
    /// </summary>
    public Tensor SideBySide(Tensor flat)
    {
        ArgumentNullException.ThrowIfNull(flat);
        return PadWithZeros(flat).view(Lengths.Count, Longest, flat.shape[1]);
    }

    /// <summary>
    /// Where tokens stand in the padded form, int64 of the shape given. In the caller's dispose scope.
    /// </summary>
    /// <param name="tokens">int64: indices of tokens.</param>
    public Tensor SlotsOf(Tensor tokens) =>
        _slotOfToken is null ? tokens.alias() : _slotOfToken.index_select(0, tokens);

    /// <summary>Rows side by side. What stands in padded slots means nothing.</summary>
    /// <param name="flat">[tokens, width].</param>
    /// <returns>[rows · longest, width]; the same memory when all rows are of one length.</returns>
    internal Tensor Pad(Tensor flat) => _tokenOfSlot is null ? flat : flat.index_select(0, _tokenOfSlot);

    /// <summary>The same with zeros in padded slots, as a gradient must have.</summary>
    internal Tensor PadWithZeros(Tensor flat) =>
        _slotOfToken is null
            ? flat
            : zeros(Lengths.Count * (long)Longest, flat.shape[1]).index_copy_(0, _slotOfToken, flat);

    /// <summary>Back to one after the other: [rows · longest, width] to [tokens, width].</summary>
    internal Tensor Unpad(Tensor padded) => _slotOfToken is null ? padded : padded.index_select(0, _slotOfToken);

    public void Dispose()
    {
        Ids.Dispose();
        _tokenOfSlot?.Dispose();
        _slotOfToken?.Dispose();
    }
}
