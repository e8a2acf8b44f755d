using Pipeline.Contracts;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Lora;
using Pipeline.Model.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>A Llama for causal language modelling: frozen weights, and at most one LoRA adapter attached.</summary>
public sealed class LlamaModel : ICausalModel, IDisposable
{
    private Tensor _embedding; // float32 [vocabulary, hidden]
    private Tensor? _head; // float32 [vocabulary, hidden]; null when tied
    private readonly RmsNorm _norm;
    private readonly RotaryEmbedding _rotary;
    private readonly DecoderLayer[] _layers;

    private LlamaModel(CheckpointReader checkpoint, LlamaConfig config, WeightStorage storage, Device? quantizer)
    {
        Config = config;
        _embedding = checkpoint
            .Read("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize)
            .DetachFromDisposeScope();
        _layers =
        [
            .. Enumerable
                .Range(0, config.Layers)
                .Select(i => new DecoderLayer(checkpoint, config, i, storage, quantizer)),
        ];
        _norm = new RmsNorm(checkpoint.Read("model.norm.weight", config.HiddenSize), config.RmsNormEpsilon);
        _head = config.TiedEmbeddings
            ? null
            : checkpoint.Read("lm_head.weight", config.VocabularySize, config.HiddenSize).DetachFromDisposeScope();
        _rotary = new RotaryEmbedding(config);
        Projections = [.. _layers.SelectMany(l => l.Projections)];
        bool keep = 4 * config.Layers * config.LinearParametersPerLayer <= TrainingMemory.MaxDequantizedKept;
        foreach (Projection projection in Projections)
        {
            projection.Weight.KeepsDequantized = keep;
        }
    }

    public LlamaConfig Config { get; }

    /// <summary>Where it is computed: the CPU after loading.</summary>
    public Device Device => _embedding.device;

    /// <summary>As many as come: the audit estimates what asking takes.</summary>
    public long MaxTokens => long.MaxValue;

    internal IReadOnlyList<DecoderLayer> Layers => _layers;
    internal RmsNorm Norm => _norm;
    internal RotaryEmbedding Rotary => _rotary;

    /// <summary>float32 [vocabulary, hidden].</summary>
    internal Tensor Embedding => _embedding;

    /// <summary>float32 [vocabulary, hidden]; the embedding where the two are tied.</summary>
    internal Tensor Head => _head ?? _embedding;

    /// <summary>The linear layers of the decoder: what "all-linear" means, the head left out.</summary>
    public IReadOnlyList<Projection> Projections { get; }

    /// <summary>Reads a base model.</summary>
    /// <param name="directory">Its folder.</param>
    /// <param name="storage">How its linear layers are held.</param>
    /// <param name="quantizer">The device that makes NF4's codes, the same to the bit; <c>null</c>: the CPU
    /// does.</param>
    /// <exception cref="ModelException">The folder holds no model that is computed here; the message says
    /// why.</exception>
    public static LlamaModel Load(string directory, WeightStorage storage, Device? quantizer = null)
    {
        LlamaConfig config = LlamaConfig.FromDirectory(directory);
        using var heap = new NativeHeap();
        using CheckpointReader checkpoint = CheckpointReader.Open(directory, config.Quantized);
        using DisposeScope scope = NewDisposeScope();
        var model = new LlamaModel(checkpoint, config, storage, quantizer);
        try
        {
            checkpoint.RequireAllRead(config.TiedEmbeddings);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Puts an adapter on the linear layers, or takes it off with <c>null</c>.</summary>
    /// <param name="adapter">The adapter; not owned.</param>
    /// <param name="folded">For inference: adds the update to a float32 copy of each weight once,
    /// instead of computing it at each call. Costs the memory of the linear layers in float32; nothing is trained in
    /// this form.</param>
    public void Attach(IReadOnlyDictionary<string, LoraPair>? adapter, bool folded = false)
    {
        foreach (Projection projection in Projections)
        {
            projection.Attach(adapter?.GetValueOrDefault(projection.Path), folded);
        }
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids) => Forward(ids, dropoutSeed: null);

    /// <summary>Runs the decoder as in training.</summary>
    /// <param name="ids">int64 [batch, n], on any device.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing, as in evaluation.</param>
    /// <param name="noise">[batch, n, hidden] added to the embeddings (NEFTune); <c>null</c>: none.</param>
    /// <returns>float32 [batch, n, hidden], after the last norm.</returns>
    public Tensor Forward(Tensor ids, uint? dropoutSeed, Tensor? noise = null)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using DisposeScope scope = NewDisposeScope();
        Tensor positions = arange(ids.shape[1], dtype: ScalarType.Int64, device: Device).unsqueeze(0); // [1, n]
        return Run(ids, Context(positions, positions, null, null, false, dropoutSeed), noise).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Forward(Tensor ids, Tensor positions, Tensor? mask, KeyValueCache cache, bool keep)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(cache);
        using DisposeScope scope = NewDisposeScope();
        Tensor onDevice = positions.to(Device);
        Tensor keyPositions = cache.AppendPositions(onDevice, keep);
        return Run(ids, Context(onDevice, keyPositions, mask?.to(Device), cache, keep, dropoutSeed: null))
            .MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor Logits(Tensor hidden) => nn.functional.linear(hidden, _head ?? _embedding);

    /// <summary>
    /// Takes all that the model holds to a device, to be computed there by plain torch in float32; no adapter may be
    /// attached.
    /// </summary>
    /// <param name="device">Where.</param>
    public void MoveTo(Device device)
    {
        using IDisposable frozen = no_grad();
        Tensor OnDevice(Tensor held)
        {
            Tensor moved = held.to(device, copy: true).DetachFromDisposeScope();
            held.Dispose();
            return moved;
        }

        _embedding = OnDevice(_embedding);
        foreach (RmsNorm norm in _layers.SelectMany(l => (RmsNorm[])[l.AttentionNorm, l.FeedForwardNorm]).Append(_norm))
        {
            norm.Replace(OnDevice);
        }

        foreach (Projection projection in Projections)
        {
            projection.MoveTo(OnDevice);
        }

        _head = _head is null ? null : OnDevice(_head);
        _rotary.Replace(OnDevice);
    }

    /// <summary>
    /// A hash of some of every tensor's numbers: tells one base's weights from another's of the same shape.
    /// </summary>
    public string WeightSample()
    {
        const int Sampled = 4096; // bytes of each tensor
        using DisposeScope scope = NewDisposeScope();
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(
            System.Security.Cryptography.HashAlgorithmName.SHA256
        );
        foreach (
            Tensor tensor in OtherTensors()
                .Select(t => t.Value)
                .Concat(Projections.Select(p => p.Weight.Quantized?.Codes ?? p.Weight.Values()))
        )
        {
            Tensor flat = tensor.reshape(-1);
            hash.AppendData(flat.narrow(0, 0, Math.Min(flat.NumberOfElements, Sampled / flat.ElementSize)).cpu().bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// The tensors that no adapter touches, under their names in a checkpoint: embedding, norms, biases, head.
    /// </summary>
    internal IEnumerable<(string Name, Tensor Value)> OtherTensors()
    {
        yield return ("model.embed_tokens.weight", _embedding);
        foreach (DecoderLayer layer in _layers)
        {
            yield return ($"model.layers.{layer.Index}.input_layernorm.weight", layer.AttentionNorm.Weight);
            yield return ($"model.layers.{layer.Index}.post_attention_layernorm.weight", layer.FeedForwardNorm.Weight);
            foreach (Projection projection in layer.Projections.Where(p => p.Bias is not null))
            {
                yield return (projection.Path + ".bias", projection.Bias!);
            }
        }

        yield return ("model.norm.weight", _norm.Weight);
        if (_head is not null)
        {
            yield return ("lm_head.weight", _head);
        }
    }

    /// <summary>
    /// Puts other tensors in the place of all that the model holds: full training trains them. What was held is
    /// disposed.
    /// </summary>
    /// <param name="replacement">Given a name in the checkpoint and the tensor, the one to hold instead; owned by the
    /// model from then on.</param>
    internal void Replace(Func<string, Tensor, Tensor> replacement)
    {
        Tensor Other(string name, Tensor held)
        {
            Tensor other = replacement(name, held);
            held.Dispose();
            return other;
        }

        _embedding = Other("model.embed_tokens.weight", _embedding);
        foreach (DecoderLayer layer in _layers)
        {
            layer.AttentionNorm.Replace(w => Other($"model.layers.{layer.Index}.input_layernorm.weight", w));
            layer.FeedForwardNorm.Replace(w => Other($"model.layers.{layer.Index}.post_attention_layernorm.weight", w));
            foreach (Projection projection in layer.Projections)
            {
                projection.Replace(Other);
            }
        }

        _norm.Replace(w => Other("model.norm.weight", w));
        _head = _head is null ? null : Other("lm_head.weight", _head);
    }

    public void Dispose()
    {
        foreach (DecoderLayer layer in _layers)
        {
            layer.Dispose();
        }

        _embedding.Dispose();
        _head?.Dispose();
        _norm.Dispose();
        _rotary.Dispose();
    }

    private AttentionContext Context(
        Tensor positions,
        Tensor keyPositions,
        Tensor? mask,
        KeyValueCache? cache,
        bool keep,
        uint? dropoutSeed
    )
    {
        bool windowed = Config.SlidingWindow is not null && Config.FirstWindowLayer < Config.Layers;
        Tensor? window = windowed
            ? AttentionMask.Window(mask, positions, keyPositions, Config.SlidingWindow!.Value)
            : null;
        return new AttentionContext(_rotary.At(positions), mask, window, cache, keep, dropoutSeed);
    }

    private Tensor Run(Tensor ids, AttentionContext context, Tensor? noise = null)
    {
        Tensor hidden = _embedding[TensorIndex.Tensor(ids.to(Device))]; // [batch, n, hidden]
        hidden = noise is null ? hidden : hidden.add(noise);
        foreach (DecoderLayer layer in _layers)
        {
            hidden = layer.Forward(hidden, context);
        }

        return _norm.Forward(hidden);
    }
}
