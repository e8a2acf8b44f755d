using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>The keys and values of what a batch has read so far, layer by layer. Whoever fills it disposes it.</summary>
public sealed class KeyValueCache(int layers) : IDisposable
{
    private readonly (Tensor Keys, Tensor Values)?[] _layers = new (Tensor, Tensor)?[layers];
    private Tensor? _positions; // int64 [batch or 1, held]

    /// <summary>Positions held.</summary>
    public long Length => _layers[0]?.Keys.shape[2] ?? 0;

    /// <summary>Puts new keys and values behind those held.</summary>
    /// <param name="layer">0 to layers - 1.</param>
    /// <param name="keys">[batch, kv heads, new, head size].</param>
    /// <param name="values">The same shape.</param>
    /// <param name="keep">Whether the cache shall hold the result; otherwise it stays as it is.</param>
    /// <returns>All keys and values, [batch, kv heads, held + new, head size].</returns>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values, bool keep)
    {
        if (_layers[layer] is { } held)
        {
            keys = cat([held.Keys, keys], 2);
            values = cat([held.Values, values], 2);
        }

        if (keep)
        {
            Release(layer);
            _layers[layer] = (keys.DetachFromDisposeScope(), values.DetachFromDisposeScope());
        }

        return (keys, values);
    }

    /// <summary>Puts the positions of new tokens behind those held.</summary>
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
            _positions = positions.index_select(0, rows).DetachFromDisposeScope();
            positions.Dispose();
        }

        for (int layer = 0; layer < _layers.Length; layer++)
        {
            if (_layers[layer] is { } held)
            {
                (Tensor Keys, Tensor Values) selected = (held.Keys.index_select(0, rows).DetachFromDisposeScope(), held.Values.index_select(0, rows).DetachFromDisposeScope());
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
        }
    }

    private void Release(int layer)
    {
        _layers[layer]?.Keys.Dispose();
        _layers[layer]?.Values.Dispose();
        _layers[layer] = null;
    }
}
