using Pipeline.Contracts;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Loss and gradients of a model with a LoRA adapter on a GPU, in bfloat16 with sums in float32: the frozen weights lie
/// there as codes and are dequantised for each product. Equal to autograd over the plain model (tests). DoRA takes the
/// plain path.
/// </summary>
internal sealed class GpuGradient : IDisposable
{
    private const long LogitsAChunk = TrainingMemory.GpuLogits;
    private const int MinLossRows = 16;
    private const int RowsATile = 128; // of a product: a part of one takes as long as a whole
    private readonly GpuModel _model;
    private readonly Device _device;
    private readonly GpuKernels _kernels;
    private readonly Tensor _buffer; // numbers of the largest group
    private readonly LayerInputs _inputs;
    private readonly int _lowest; // the lowest layer that is trained

    /// <summary>For a model and an adapter on the device.</summary>
    /// <param name="model">The model; not owned.</param>
    /// <param name="adapter">Its adapter, without magnitudes; not owned.</param>
    /// <param name="kernels">The kernels; not owned.</param>
    /// <param name="memory">What is saved for the backward pass.</param>
    /// <param name="copies">Copy to the host where memory is offload, owned from then on; <c>null</c>: CUDA
    /// does.</param>
    /// <param name="mostTokens">Tokens of the largest batch to come, for which memory of the host is taken; 0: it is
    /// taken as batches come.</param>
    public GpuGradient(
        GpuModel model,
        GpuAdapter adapter,
        GpuKernels kernels,
        ActivationCheckpointing memory,
        IHostCopies? copies = null,
        long mostTokens = 0
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(kernels);
        (_model, Adapter, _kernels, _device, Memory) = (model, adapter, kernels, model.Device, memory);
        _buffer = empty(model.LargestGroup, dtype: kernels.Real, device: _device).DetachFromDisposeScope();
        _inputs = new LayerInputs(
            model.Layers.Count,
            memory == ActivationCheckpointing.Offload ? copies ?? CudaCopiesOf(_device) : null,
            mostTokens * model.Config.HiddenSize * kernels.Real.ElementSize()
        );
        if (memory == ActivationCheckpointing.Offload)
        {
            model.Embedding.OffloadToHost();
        }
        else
        {
            model.Embedding.RestoreToDevice();
        }

        _lowest = model.Layers.FirstOrDefault(l => Adapter.Adapts(l.Index))?.Index ?? model.Layers.Count;
    }

    /// <summary>The adapter's copies and their gradients.</summary>
    public GpuAdapter Adapter { get; }

    /// <summary>What is saved for the backward pass.</summary>
    public ActivationCheckpointing Memory { get; }

    /// <summary>
    /// The loss, and its gradients added to the adapter's. Nothing is read back: the device is not waited for.
    /// </summary>
    /// <param name="batch">The rows, on the device.</param>
    /// <param name="weight">Factor of the gradients: one over the supervised tokens of the whole step; <c>null</c>: the
    /// loss alone is wanted.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing.</param>
    /// <param name="noise">[tokens, hidden] added to the embeddings (NEFTune); <c>null</c>: none.</param>
    /// <returns>float32 scalar on the device: nats, summed, not weighted.</returns>
    public Tensor Accumulate(GpuBatch batch, double? weight, uint? dropoutSeed, Tensor? noise = null)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        GpuContext context = Context(batch, dropoutSeed);
        var tapes = new GpuLayerTape?[_model.Layers.Count];
        try
        {
            using Tensor last = Forward(Embed(batch, noise), context, tapes, learns: weight is not null);
            int top = weight is null ? -1 : _model.Layers.Count - 1;
            _inputs.Announce(top, last);
            (Tensor loss, Tensor? gradient) = Predict(last, batch, weight);
            for (int index = top; index >= _lowest; index--)
            {
                using DisposeScope inner = NewDisposeScope();
                using Tensor input = _inputs.Restore(index);
                _inputs.Announce(index > _lowest ? index - 1 : -1, input);
                if (tapes[index] is null)
                {
                    tapes[index] = GpuLayerTape.Again(_model.Layers[index], context, input);
                }

                tapes[index]!.Backward(gradient!, inputWanted: index > _lowest);
                tapes[index]!.Dispose();
                tapes[index] = null;
            }

            return loss.MoveToOuterDisposeScope();
        }
        finally
        {
            Array.ForEach(tapes, t => t?.Dispose());
            _inputs.Clear();
        }
    }

    /// <summary>Applies the layers; saves what the backward pass of those that learn needs.</summary>
    /// <param name="hidden">[tokens, hidden]: the embeddings; disposed once nothing reads it.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="tapes">[layers]: gets the saved activations, as far as memory allows them.</param>
    /// <param name="learns">Whether a backward pass follows.</param>
    /// <returns>[tokens, hidden], the caller's.</returns>
    private Tensor Forward(Tensor hidden, GpuContext context, GpuLayerTape?[] tapes, bool learns)
    {
        foreach (GpuLayer layer in _model.Layers)
        {
            bool saves = learns && layer.Index >= _lowest;
            Tensor input = hidden;
            if (saves)
            {
                _inputs.Save(layer.Index, input);
            }

            (hidden, tapes[layer.Index]) = GpuLayerTape.Forward(
                layer,
                context,
                input,
                keep: saves && Memory > ActivationCheckpointing.Full
            );
            if (saves)
            {
                _inputs.Leave(layer.Index);
            }
            else
            {
                input.Dispose();
            }
        }

        return hidden;
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _buffer.Dispose();
    }

    // the host's own memory is no other
    private static CudaCopies? CudaCopiesOf(Device device) => device.type == DeviceType.CUDA ? new CudaCopies() : null;

    private Tensor Embed(GpuBatch batch, Tensor? noise)
    {
        Tensor hidden = _model.Embedding.Rows(_kernels, batch.Ids, batch.HostIds).DetachFromDisposeScope();
        return noise is null ? hidden : hidden.add_(noise);
    }

    /// <summary>Norm, head and loss; with a weight, also the derivative by what came in, [tokens, hidden].</summary>
    private (Tensor Loss, Tensor? Gradient) Predict(Tensor hidden, GpuBatch batch, double? weight)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor normed, Tensor scales) = (empty_like(hidden), empty(hidden.shape[0], device: _device));
        _kernels.RmsNorm(hidden, _model.Norm, _model.Config.RmsNormEpsilon, normed, scales);
        long count = batch.Supervised,
            vocabulary = _model.Config.VocabularySize,
            stride = (vocabulary + 7) / 8 * 8;
        Tensor read = empty(count, hidden.shape[1], dtype: hidden.dtype, device: _device); // [supervised, hidden]
        _kernels.Gather(normed, batch.Predicting, read);
        Tensor losses = empty(count, device: _device);
        long chunk = Math.Max(MinLossRows, LogitsAChunk / stride);
        chunk = Math.Min(chunk < RowsATile ? chunk : chunk / RowsATile * RowsATile, Math.Max(MinLossRows, count));
        Tensor buffer = zeros(Math.Min(chunk, count), stride, dtype: _kernels.Real, device: _device);
        for (long start = 0; start < count; start += chunk)
        {
            using DisposeScope inner = NewDisposeScope();
            long rows = Math.Min(chunk, count - start);
            Tensor part = read.narrow(0, start, rows),
                whole = buffer.narrow(0, 0, rows);
            Tensor logits = whole.narrow(1, 0, vocabulary).addmm_(part, _model.Head.t(), 0, 1);
            _kernels.CrossEntropy(
                whole,
                (int)vocabulary,
                batch.Targets.narrow(0, start, rows),
                losses.narrow(0, start, rows),
                weight ?? 0
            );
            if (weight is not null)
            {
                part.addmm_(logits, _model.Head, 0, 1); // the derivative takes the input's place
            }
        }

        Tensor loss = losses.sum().MoveToOuterDisposeScope();
        if (weight is null)
        {
            return (loss, null);
        }

        Tensor dNormed = empty_like(normed);
        _kernels.Gather(read, batch.ReadOf, dNormed);
        Tensor gradient = normed.MoveToOuterDisposeScope(); // written over: nothing reads it any more
        _kernels.RmsNormBackward(new SavedNorm(hidden, _model.Norm, scales), dNormed, null, gradient);
        return (loss, gradient);
    }

    private GpuContext Context(GpuBatch batch, uint? dropoutSeed)
    {
        Tensor? window = null;
        if (_model.Config.SlidingWindow is { } size && size < batch.Longest)
        {
            Tensor positions = arange(batch.Longest, dtype: ScalarType.Int64, device: _device).unsqueeze(0);
            window = AttentionMask.Window(null, positions, positions, size);
        }

        return new GpuContext(
            _kernels,
            new GpuLoraGradient(_kernels, _buffer, dropoutSeed),
            Adapter,
            _model.Config,
            new PackedAttention(_kernels, _model.Config, batch, window),
            batch.Positions,
            _model.Rotary(batch.Longest),
            KeepsNorms: Memory == ActivationCheckpointing.None
        );
    }
}
