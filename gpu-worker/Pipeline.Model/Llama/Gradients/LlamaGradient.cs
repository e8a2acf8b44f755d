using Pipeline.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// Loss and gradients of a model with a LoRA adapter, by hand-written derivatives on packed rows. Several times as fast on
/// the CPU as autograd over padded rows, and equal to it (tests). DoRA takes the plain path.
/// </summary>
public sealed class LlamaGradient
{
    private const int LogitsAChunk = 1 << 20;
    private readonly LlamaModel _model;
    private readonly int _lowest; // the lowest layer that learns

    /// <summary>For a model with its adapter attached.</summary>
    /// <param name="model">The model.</param>
    /// <param name="keptBytes">Layers' intermediate results are kept up to this; above, each layer is computed again on the way back.</param>
    public LlamaGradient(LlamaModel model, long keptBytes)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, KeptBytes) = (model, keptBytes);
        _lowest = model.Layers.FirstOrDefault(l => l.Projections.Any(p => p.Lora is not null))?.Index ?? model.Layers.Count;
    }

    /// <summary>Bytes of intermediate results that are kept at most.</summary>
    public long KeptBytes { get; }

    /// <summary>Whether a model with its adapter is computed here: plain LoRA matrices on its linear layers.</summary>
    public static bool Computes(LlamaModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Projections.All(p => p.Lora?.Magnitude is null);
    }

    /// <summary>The loss alone.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="predicting">int64 [supervised]: tokens whose next one is learned.</param>
    /// <param name="targets">Those next ones.</param>
    /// <returns>Nats, summed.</returns>
    public double Loss(PackedRows rows, Tensor predicting, ReadOnlyMemory<long> targets)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        FlatContext context = Context(rows, null);
        Tensor hidden = Embed(rows, null);
        foreach (DecoderLayer layer in _model.Layers)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor next = LayerGradient.Forward(layer, context, hidden, keep: false).Output.MoveToOuterDisposeScope();
            hidden.Dispose();
            hidden = next;
        }

        return Predict(hidden, predicting, targets, null).Loss;
    }

    /// <summary>The loss, and its gradients added to the adapter's.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="predicting">int64 [supervised]: tokens whose next one is learned.</param>
    /// <param name="targets">Those next ones.</param>
    /// <param name="weight">Factor of the gradients: one over the supervised tokens of the whole step.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing.</param>
    /// <param name="noise">float32 [tokens, hidden] added to the embeddings (NEFTune); <c>null</c>: none.</param>
    /// <returns>Nats, summed, not weighted.</returns>
    public double Accumulate(PackedRows rows, Tensor predicting, ReadOnlyMemory<long> targets, double weight, uint? dropoutSeed, Tensor? noise = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        FlatContext context = Context(rows, dropoutSeed);
        bool keep = BytesALayer(rows.Count) * (_model.Layers.Count - _lowest) <= KeptBytes;
        var inputs = new Tensor[_model.Layers.Count];
        var tapes = new LayerGradient?[_model.Layers.Count];
        try
        {
            Tensor hidden = Embed(rows, noise);
            foreach (DecoderLayer layer in _model.Layers)
            {
                inputs[layer.Index] = hidden;
                (hidden, tapes[layer.Index]) = LayerGradient.Forward(layer, context, hidden, keep && layer.Index >= _lowest);
            }

            (double loss, Tensor? gradient) = Predict(hidden, predicting, targets, weight);
            for (int index = _model.Layers.Count - 1; index >= _lowest; index--)
            {
                LayerGradient tape = tapes[index] ??= LayerGradient.Forward(_model.Layers[index], context, inputs[index], keep: true).Tape!;
                tape.Backward(gradient!, inputWanted: index > _lowest);
                tape.Dispose();
                tapes[index] = null;
            }

            return loss;
        }
        finally
        {
            Array.ForEach(tapes, t => t?.Dispose());
        }
    }

    private Tensor Embed(PackedRows rows, Tensor? noise)
    {
        Tensor hidden = _model.Embedding.index_select(0, rows.Ids); // [tokens, hidden]
        return noise is null ? hidden : hidden.add_(noise);
    }

    /// <summary>Norm, head and loss; with a weight, also the derivative by what came in, float32 [tokens, hidden].</summary>
    private (double Loss, Tensor? Gradient) Predict(Tensor hidden, Tensor predicting, ReadOnlyMemory<long> targets, double? weight)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor normed = empty_like(hidden);
        Tensor scales = empty(hidden.shape[0]);
        RmsNormKernel.Forward(hidden, _model.Norm.Weight, _model.Norm.Epsilon, normed, scales);
        Tensor read = normed.index_select(0, predicting);                                          // [supervised, hidden]
        int chunk = Math.Clamp(LogitsAChunk / _model.Config.VocabularySize, 16, 1024);
        Tensor buffer = empty(Math.Min(chunk, targets.Length), _model.Config.VocabularySize);
        double loss = 0;
        for (int start = 0; start < targets.Length; start += chunk)
        {
            using DisposeScope inner = NewDisposeScope();
            int count = Math.Min(chunk, targets.Length - start);
            Tensor part = read.narrow(0, start, count);
            Tensor logits = buffer.narrow(0, 0, count).addmm_(part, _model.Head.t(), 0, 1);          // [count, vocabulary]
            loss += CrossEntropyKernel.Forward(logits, targets.Slice(start, count), weight);
            if (weight is not null)
            {
                part.addmm_(logits, _model.Head, 0, 1);                                            // the derivative takes the input's place
            }
        }

        if (weight is null)
        {
            return (loss, null);
        }

        Tensor slope = zeros_like(hidden).index_copy_(0, predicting, read);
        Tensor gradient = zeros_like(hidden);
        RmsNormKernel.Backward(hidden, _model.Norm.Weight, scales, slope, gradient);
        return (loss, gradient.MoveToOuterDisposeScope());
    }

    private FlatContext Context(PackedRows rows, uint? dropoutSeed)
    {
        (float[] cos, float[] sin) = _model.Rotary.Tables(rows.Longest);
        Tensor? window = null;
        if (_model.Config.SlidingWindow is { } size && size < rows.Longest)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor positions = arange(rows.Longest, dtype: ScalarType.Int64).unsqueeze(0);
            window = AttentionMask.Window(null, positions, positions, size).MoveToOuterDisposeScope();
        }

        return new FlatContext(rows, _model.Config.HeadSize, cos, sin, layer => _model.Config.WindowOf(layer) is null ? null : window, dropoutSeed);
    }

    private long BytesALayer(long tokens)
    {
        var config = _model.Config;
        return 4 * tokens * ((5L * config.HiddenSize) + (3L * config.IntermediateSize) + (3L * config.HeadSize * (config.Heads + config.KeyValueHeads)));
    }
}
