using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// Named buffers that grow to the largest batch and stay: a step allocates nothing that the one before had, so memory
/// is flat whatever the order of batches, and the system need not hand out and clear the same pages again and again.
/// </summary>
internal sealed class TensorWorkspace : IDisposable
{
    private readonly Dictionary<(string Name, int Layer), Tensor> _buffers = [];

    /// <summary>
    /// A matrix in the buffer of a name, whose content is undefined. The view belongs to the caller's dispose scope.
    /// </summary>
    /// <param name="name">What it is for.</param>
    /// <param name="layer">Whose; -1: all layers', one after the other.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Numbers a row.</param>
    /// <returns>float32 [rows, columns].</returns>
    public Tensor GetBuffer(string name, int layer, long rows, long columns)
    {
        long count = rows * columns;
        if (!_buffers.TryGetValue((name, layer), out Tensor? buffer) || buffer.NumberOfElements < count)
        {
            buffer?.Dispose();
            buffer = empty(count + (count / 8)).DetachFromDisposeScope();
            _buffers[(name, layer)] = buffer;
        }

        using Tensor flat = buffer.narrow(0, 0, count);
        return flat.view(rows, columns);
    }

    public void Dispose()
    {
        foreach (Tensor buffer in _buffers.Values)
        {
            buffer.Dispose();
        }

        _buffers.Clear();
    }
}
