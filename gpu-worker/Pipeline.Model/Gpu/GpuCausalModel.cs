using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// A model on the device for inference, in bfloat16: weights stay in NF4 and are dequantised for each product of many
/// tokens, or read as codes where there are few. Logits are float32, of hidden states and a head in bfloat16: products
/// and sums round nothing more.
/// </summary>
internal sealed class GpuCausalModel : ICausalModel, IDisposable
{
    private const long NumbersAPart = 1L << 26; // of the head in float32

    // the whole head is kept in float32 where it takes no more than one part in so many of the memory
    private const int HeadShare = 16;
    private readonly GpuModel _model;
    private readonly GpuAdapter? _adapter;
    private readonly GpuKernels _kernels;
    private readonly Tensor _buffer;
    private readonly Tensor? _head; // float32 [vocabulary, hidden]

    /// <summary>For a model on the device.</summary>
    /// <param name="model">The model; not owned.</param>
    /// <param name="adapter">Its adapter, owned from now on; <c>null</c>: the base alone.</param>
    /// <param name="kernels">The kernels; not owned.</param>
    /// <param name="freeBytes">Memory of the device beside the model.</param>
    public GpuCausalModel(GpuModel model, GpuAdapter? adapter, GpuKernels kernels, long freeBytes)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(kernels);
        (_model, _adapter, _kernels) = (model, adapter, kernels);
        _buffer = empty(model.LargestGroup, dtype: kernels.Real, device: model.Device).DetachFromDisposeScope();
        _head =
            4 * model.Head.NumberOfElements <= freeBytes / HeadShare
                ? model.Head.to(ScalarType.Float32).DetachFromDisposeScope()
                : null;
        long number = kernels.Real.ElementSize();
        // Keys and values of all layers, once more while a layer's cache grows and as much again for what follows; and
        // what one layer makes.
        long token =
            number
            * (
                (5L * model.Config.Layers * model.Config.KeyValueHeads * model.Config.HeadSize / 2)
                + (4L * model.Config.IntermediateSize)
                + (8L * model.Config.HiddenSize)
            );
        MaxTokens = Math.Max(1, (freeBytes - (number * model.LargestGroup) - (4 * NumbersAPart)) / 2 / token);
    }

    /// <inheritdoc/>
    public LlamaConfig Config => _model.Config;

    /// <inheritdoc/>
    public long MaxTokens { get; }

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using DisposeScope scope = NewDisposeScope();
        return Run(ids, arange(ids.shape[1], dtype: ScalarType.Int64).unsqueeze(0), null, null, keep: false)
            .MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids, Tensor positions, Tensor? mask, KeyValueCache cache, bool keep)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(cache);
        using DisposeScope scope = NewDisposeScope();
        return Run(ids, positions, mask?.to(_model.Device), cache, keep).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = hidden.reshape(-1, Config.HiddenSize).to(ScalarType.Float32);
        if (_head is not null)
        {
            return rows.mm(_head.t()).view([.. hidden.shape[..^1], Config.VocabularySize]).MoveToOuterDisposeScope();
        }

        Tensor logits = empty(rows.shape[0], Config.VocabularySize, device: _model.Device);
        long part = Math.Max(1, NumbersAPart / Config.HiddenSize);
        for (long at = 0; at < Config.VocabularySize; at += part)
        {
            using DisposeScope inner = NewDisposeScope();
            long count = Math.Min(part, Config.VocabularySize - at);
            logits.narrow(1, at, count).addmm_(rows, _model.Head.narrow(0, at, count).to(ScalarType.Float32).t(), 0, 1);
        }

        return logits.view([.. hidden.shape[..^1], Config.VocabularySize]).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _buffer.Dispose();
        _head?.Dispose();
        _adapter?.Dispose();
    }

    private Tensor Run(Tensor ids, Tensor positions, Tensor? mask, KeyValueCache? cache, bool keep)
    {
        using IDisposable frozen = no_grad();
        (long rows, long count) = (ids.shape[0], ids.shape[1]);
        int longest = (int)positions.max().item<long>() + 1;
        Tensor onDevice = positions.to(_model.Device);
        Tensor keyPositions = cache?.AppendPositions(onDevice, keep) ?? onDevice;
        Tensor? window =
            Config.SlidingWindow is { } size && Config.FirstWindowLayer < Config.Layers
                ? AttentionMask.Window(mask, onDevice, keyPositions, size)
                : null;
        var context = new GpuContext(
            _kernels,
            new GpuLoraGradient(_kernels, _buffer, dropoutSeed: null),
            _adapter,
            Config,
            new CachedAttention(Config, rows, mask, window, cache, keep),
            onDevice.expand(rows, count).reshape(-1).to(ScalarType.Int32),
            _model.Rotary(longest),
            KeepsNorms: false
        );
        Tensor hidden = _model.Embedding.Rows(_kernels, ids.to(ScalarType.Int32).to(_model.Device).reshape(-1));
        foreach (GpuLayer layer in _model.Layers)
        {
            (Tensor next, _) = GpuLayerTape.Forward(layer, context, hidden, keep: false);
            hidden.Dispose();
            hidden = next;
        }

        using Tensor last = hidden;
        Tensor normed = empty_like(last);
        _kernels.RmsNorm(last, _model.Norm, Config.RmsNormEpsilon, normed, empty(last.shape[0], device: _model.Device));
        return normed.view(rows, count, Config.HiddenSize);
    }
}
