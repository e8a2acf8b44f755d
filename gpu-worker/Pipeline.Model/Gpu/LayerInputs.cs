using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// The inputs of a model's layers from the forward to the backward pass: on the device, or in the host's memory, where
/// copies run beside the work on other layers.
/// </summary>
/// <param name="layers">How many layers there are.</param>
/// <param name="copies">Copy to the host, owned from now on; <c>null</c>: the inputs stay on the device.</param>
/// <param name="bytes">Of the largest input to come; 0: not known.</param>
internal sealed class LayerInputs(int layers, IHostCopies? copies, long bytes = 0) : IDisposable
{
    private readonly Tensor?[] _here = new Tensor?[layers];
    private readonly nint[] _marks = new nint[layers]; // of copies that were not awaited
    private readonly (nint Memory, long Bytes)[] _away = new (nint, long)[layers];

    /// <summary>Takes a layer's input, which the layer then reads.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="input">Owned from now on.</param>
    public void Save(int layer, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _here[layer] = input;
        if (copies is null)
        {
            return;
        }

        long needed = input.NumberOfElements * input.ElementSize;
        if (_away[layer].Bytes < needed)
        {
            FreeOf(layer);
            long taken = Math.Max(bytes, needed);
            _away[layer] = (copies.Allocate(taken), taken);
        }

        _marks[layer] = copies.ToHost(input, _away[layer].Memory);
    }

    /// <summary>The layer was queued: its input may go.</summary>
    public void Leave(int layer)
    {
        if (copies is not null)
        {
            Await(layer);
            _here[layer]!.Dispose();
            _here[layer] = null;
        }
    }

    /// <summary>A layer's input will be taken soon.</summary>
    /// <param name="layer">The layer; below 0: there is none.</param>
    /// <param name="like">Of its shape.</param>
    public void Announce(int layer, Tensor like)
    {
        ArgumentNullException.ThrowIfNull(like);
        if (copies is not null && layer >= 0 && _here[layer] is null)
        {
            Tensor input = empty_like(like).DetachFromDisposeScope();
            _here[layer] = input;
            _marks[layer] = copies.ToDevice(_away[layer].Memory, input);
        }
    }

    /// <summary>Gives a layer's input, which was announced, to the caller.</summary>
    public Tensor Restore(int layer)
    {
        Await(layer);
        Tensor input = _here[layer]!;
        _here[layer] = null;
        return input;
    }

    /// <summary>Lets go of what was not taken.</summary>
    public void Clear()
    {
        for (int layer = 0; layer < layers; layer++)
        {
            try
            {
                Await(layer);
            }
            catch (ModelException)
            {
                _marks[layer] = 0; // a device that takes no call any more: what failed first is what is to be said
            }

            _here[layer]?.Dispose();
            _here[layer] = null;
        }
    }

    public void Dispose()
    {
        Clear();
        for (int layer = 0; layer < layers; layer++)
        {
            FreeOf(layer);
        }

        copies?.Dispose();
    }

    private void Await(int layer)
    {
        if (_marks[layer] != 0)
        {
            copies!.Await(_marks[layer]);
            _marks[layer] = 0;
        }
    }

    private void FreeOf(int layer)
    {
        if (_away[layer].Bytes > 0)
        {
            copies!.Free(_away[layer].Memory);
            _away[layer] = default;
        }
    }
}
