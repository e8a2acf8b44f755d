using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// The keys and values of what a batch has read so far, layer by layer. Whoever fills it disposes it.
/// </summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private const int SmallestGrowth = 32; // positions

    // [batch, kv heads, room, head size]
    private readonly (Tensor Keys, Tensor Values)?[] _layers = new (Tensor, Tensor)?[layers];
    private readonly long[] _held = new long[layers];
    private Tensor? _positions; // int64 [batch or 1, held]

    /// <summary>Positions held.</summary>
    public long Length => _held[0];

    /// <summary>Puts new keys and values after those held.</summary>
    /// <param name="layer">0 to layers - 1.</param>
    /// <param name="keys">[batch, kv heads, new, head size].</param>
    /// <param name="values">The same shape.</param>
    /// <param name="keep">Whether the cache shall hold the result; otherwise it stays as it is.</param>
    /// <returns>All keys and values, [batch, kv heads, held + new, head size]; what is not kept is good until the next
    /// call.</returns>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values, bool keep)
    {
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(values);
        (long held, long count) = (_held[layer], keys.shape[2]);
        if (!keep && held == 0)
        {
            return (keys, values);
        }

        if (!keep && _layers[layer] is { } full && full.Keys.shape[2] < held + count)
        {
            return (cat([full.Keys.narrow(2, 0, held), keys], 2), cat([full.Values.narrow(2, 0, held), values], 2));
        }

        (Tensor allKeys, Tensor allValues) = Room(layer, keys, held + count);
        allKeys.narrow(2, held, count).copy_(keys);
        allValues.narrow(2, held, count).copy_(values);
        _held[layer] += keep ? count : 0;
        return (allKeys.narrow(2, 0, held + count), allValues.narrow(2, 0, held + count));
    }

    /// <summary>Puts the positions of new tokens after those held.</summary>
    /// <param name="positions">int64 [batch or 1, new].</param>
    /// <param name="keep">Whether the cache shall hold the result.</param>
    /// <returns>Positions of all keys, int64 [batch or 1, held + new].</returns>
    public Tensor AppendPositions(Tensor positions, bool keep)
    {
        ArgumentNullException.ThrowIfNull(positions);
        Tensor all = positions;
        if (_positions is { } held)
        {
            long rows = Math.Max(held.shape[0], positions.shape[0]);
            all = cat([held.expand(rows, -1), positions.expand(rows, -1)], 1);
        }

        if (keep)
        {
            Tensor kept = all.clone().DetachFromDisposeScope();
            _positions?.Dispose();
            _positions = kept;
        }

        return all;
    }

    /// <summary>Keeps some rows of the batch only, in the order given.</summary>
    public void SelectRows(Tensor rows)
    {
        if (_positions is { } positions && positions.shape[0] > 1)
        {
            _positions = positions[TensorIndex.Tensor(rows)].DetachFromDisposeScope();
            positions.Dispose();
        }

        for (int layer = 0; layer < _layers.Length; layer++)
        {
            if (_layers[layer] is { } held)
            {
                (Tensor Keys, Tensor Values) selected = (
                    held.Keys[TensorIndex.Tensor(rows)].DetachFromDisposeScope(),
                    held.Values[TensorIndex.Tensor(rows)].DetachFromDisposeScope()
                );
                Release(layer);
                _layers[layer] = selected;
            }
        }
    }

    public void Dispose()
    {
        _positions?.Dispose();
        _positions = null;
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            Release(layer);
            _held[layer] = 0;
        }
    }

    /// <summary>
    /// Room for so many positions: just that at first, and where it runs out, some more than is asked for.
    /// </summary>
    private (Tensor Keys, Tensor Values) Room(int layer, Tensor like, long positions)
    {
        if (_layers[layer] is { } cached && cached.Keys.shape[2] >= positions)
        {
            return cached;
        }

        long[] shape = like.shape;
        shape[2] = _held[layer] == 0 ? positions : positions + Math.Max(SmallestGrowth, positions / 4);
        (Tensor keys, Tensor values) = (
            empty(shape, dtype: like.dtype, device: like.device).DetachFromDisposeScope(),
            empty(shape, dtype: like.dtype, device: like.device).DetachFromDisposeScope()
        );
        if (_layers[layer] is { } held)
        {
            keys.narrow(2, 0, _held[layer]).copy_(held.Keys.narrow(2, 0, _held[layer]));
            values.narrow(2, 0, _held[layer]).copy_(held.Values.narrow(2, 0, _held[layer]));
        }

        Release(layer);
        _layers[layer] = (keys, values);
        return (keys, values);
    }

    private void Release(int layer)
    {
        _layers[layer]?.Keys.Dispose();
        _layers[layer]?.Values.Dispose();
        _layers[layer] = null;
    }
}
