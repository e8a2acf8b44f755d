using static TorchSharp.torch;

namespace Pipeline.Model.Lora;

/// <summary>
/// What a run trains: tensors that are views into one flat buffer, and their gradients into another, so that the
/// optimizer, clipping and checkpoints are a handful of calls whatever the number of layers.
/// </summary>
public abstract class TrainableTensors : IDisposable
{
    private readonly List<(string Name, Tensor Value)> _tensors = [];
    private long _taken;

    /// <summary>Makes both buffers, of zeros.</summary>
    /// <param name="count">Trainable numbers.</param>
    /// <param name="decayed">How many of them, from the first on, weight decay draws to zero.</param>
    /// <param name="device">Where they lie.</param>
    protected TrainableTensors(long count, long decayed, Device device)
    {
        Decayed = decayed;
        (Values, Gradients) = (
            zeros(count, device: device).DetachFromDisposeScope(),
            zeros(count, device: device).DetachFromDisposeScope()
        );
    }

    /// <summary>All trainable numbers, float32 [n].</summary>
    public Tensor Values { get; }

    /// <summary>Their gradients, float32 [n].</summary>
    public Tensor Gradients { get; }

    /// <summary>How many of the numbers, from the first on, weight decay draws to zero.</summary>
    public long Decayed { get; }

    /// <summary>The tensors under their names within the model, in the order of the buffer, which they fill.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Tensors => _tensors;

    /// <summary>
    /// Whether one step is enough to see that all has moved: of what begins at zero it is; a weight may stand where a
    /// first small step is less than its last bit, and is known by its gradient.
    /// </summary>
    public abstract bool MovesAtOnce { get; }

    /// <summary>Names of tensors that are still as they were before the first step.</summary>
    public abstract IEnumerable<string> Unmoved();

    /// <summary>Gives the buffers back, and the views with them.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Disposes the buffers.</summary>
    protected virtual void Dispose(bool disposing)
    {
        foreach ((_, Tensor value) in _tensors)
        {
            value.Dispose();
        }

        Values.Dispose();
        Gradients.Dispose();
    }

    /// <summary>The next part of the buffer as a tensor with a gradient.</summary>
    protected Tensor Take(string name, params long[] shape)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        Tensor view = Values.narrow(0, _taken, count).view(shape).detach().requires_grad_().DetachFromDisposeScope();
        view.grad = Gradients.narrow(0, _taken, count).view(shape);
        _taken += count;
        _tensors.Add((name, view));
        return view;
    }
}
