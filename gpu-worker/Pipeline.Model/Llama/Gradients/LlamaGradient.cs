using Pipeline.Contracts;
using Pipeline.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// Loss and gradients of a model with a LoRA adapter, by hand-written derivatives on packed rows. Several times as fast
/// on the CPU as autograd over padded rows, and equal to it (tests). DoRA takes the plain path.
/// </summary>
public sealed class LlamaGradient : IDisposable
{
    private const int LogitsAChunk = 1 << 20;
    private readonly LlamaModel _model;
    private readonly TensorWorkspace _workspace = new();
    private readonly int _lowest; // the lowest layer that is trained

    /// <summary>For a model with its adapter attached.</summary>
    /// <param name="model">The model.</param>
    /// <param name="keptBytes">Layers' intermediate results are kept up to this; above, each layer is computed again on
    /// the backward pass.</param>
    public LlamaGradient(LlamaModel model, long keptBytes)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, KeptBytes) = (model, keptBytes);
        _lowest =
            model.Layers.FirstOrDefault(l => l.Projections.Any(p => p.Lora is not null))?.Index ?? model.Layers.Count;
    }

    /// <summary>Bytes of intermediate results that are kept at most.</summary>
    public long KeptBytes { get; }

    /// <summary>
    /// Whether a model with its adapter is computed here: plain LoRA matrices on its linear layers, all else frozen.
    /// </summary>
    public static bool Computes(LlamaModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model.Projections.All(p => p.Lora?.Magnitude is null) && !model.Embedding.requires_grad;
    }

    /// <summary>The loss alone.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="predicting">int64 [supervised]: tokens whose next one is supervised.</param>
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
            Tensor next = Hidden(rows, layer.Index % 2);
            LayerGradient.Forward(layer, context, hidden, next, keep: false, ownBuffers: false);
            hidden = next;
        }

        return Predict(context, hidden, predicting, targets, null).Loss;
    }

    /// <summary>The loss, and its gradients added to the adapter's.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="predicting">int64 [supervised]: tokens whose next one is supervised.</param>
    /// <param name="targets">Those next ones.</param>
    /// <param name="weight">Factor of the gradients: one over the supervised tokens of the whole step.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing.</param>
    /// <param name="noise">float32 [tokens, hidden] added to the embeddings (NEFTune); <c>null</c>: none.</param>
    /// <returns>Nats, summed, not weighted.</returns>
    public double Accumulate(
        PackedRows rows,
        Tensor predicting,
        ReadOnlyMemory<long> targets,
        double weight,
        uint? dropoutSeed,
        Tensor? noise = null
    )
    {
        ArgumentNullException.ThrowIfNull(rows);
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        FlatContext context = Context(rows, dropoutSeed);
        bool keep = BytesALayer(rows) * (_model.Layers.Count - _lowest) <= KeptBytes;
        var inputs = new Tensor[_model.Layers.Count + 1];
        var tapes = new LayerGradient?[_model.Layers.Count];
        try
        {
            inputs[0] = Embed(rows, noise);
            foreach (DecoderLayer layer in _model.Layers)
            {
                inputs[layer.Index + 1] = Hidden(rows, layer.Index);
                tapes[layer.Index] = LayerGradient.Forward(
                    layer,
                    context,
                    inputs[layer.Index],
                    inputs[layer.Index + 1],
                    keep && layer.Index >= _lowest,
                    ownBuffers: keep
                );
            }

            (double loss, Tensor? gradient) = Predict(context, inputs[^1], predicting, targets, weight);
            for (int index = _model.Layers.Count - 1; index >= _lowest; index--)
            {
                // What was not kept is computed again; the layer's output, which nothing needs any more, gets the same
                // numbers.
                LayerGradient tape = tapes[index] ??= LayerGradient.Forward(
                    _model.Layers[index],
                    context,
                    inputs[index],
                    inputs[index + 1],
                    keep: true,
                    ownBuffers: false
                )!;
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

    public void Dispose() => _workspace.Dispose();

    private Tensor Hidden(PackedRows rows, int layer) =>
        _workspace.GetBuffer("hidden", layer, rows.Count, _model.Config.HiddenSize);

    private Tensor Embed(PackedRows rows, Tensor? noise)
    {
        Tensor hidden = _model.Embedding.index_select(0, rows.Ids); // [tokens, hidden]
        return noise is null ? hidden : hidden.add_(noise);
    }

    /// <summary>
    /// Norm, head and loss; with a weight, also the derivative by what came in, float32 [tokens, hidden].
    /// </summary>
    private (double Loss, Tensor? Gradient) Predict(
        FlatContext context,
        Tensor hidden,
        Tensor predicting,
        ReadOnlyMemory<long> targets,
        double? weight
    )
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor normed, Tensor scales) = Norm(context, hidden);
        Tensor read = normed.index_select(0, predicting); // [supervised, hidden]
        int chunk = Math.Clamp(LogitsAChunk / _model.Config.VocabularySize, 16, 1024);
        Tensor buffer = _workspace.GetBuffer(
            "logits",
            -1,
            Math.Min(chunk, targets.Length),
            _model.Config.VocabularySize
        );
        double loss = 0;
        for (int start = 0; start < targets.Length; start += chunk)
        {
            using DisposeScope inner = NewDisposeScope();
            int count = Math.Min(chunk, targets.Length - start);
            Tensor part = read.narrow(0, start, count);
            Tensor logits = buffer.narrow(0, 0, count).addmm_(part, _model.Head.t(), 0, 1); // [count, vocabulary]
            loss += CrossEntropyKernel.Forward(logits, targets.Slice(start, count), weight);
            if (weight is not null)
            {
                part.addmm_(logits, _model.Head, 0, 1); // the derivative takes the input's place
            }
        }

        if (weight is null)
        {
            return (loss, null);
        }

        Tensor dNormed = normed.zero_().index_copy_(0, predicting, read);
        Tensor gradient = zeros_like(hidden);
        foreach ((int start, int count) in context.Chunks())
        {
            using DisposeScope inner = NewDisposeScope();
            RmsNormKernel.Backward(
                hidden.narrow(0, start, count),
                _model.Norm.Weight,
                scales.narrow(0, start, count),
                dNormed.narrow(0, start, count),
                gradient.narrow(0, start, count)
            );
        }

        return (loss, gradient.MoveToOuterDisposeScope());
    }

    /// <summary>The last norm.</summary>
    /// <returns>float32 [tokens, hidden] and the factor of each row, [tokens, 1]; both the workspace's.</returns>
    private (Tensor Normed, Tensor Scales) Norm(FlatContext context, Tensor hidden)
    {
        Tensor normed = _workspace.GetBuffer("last.input", -1, hidden.shape[0], hidden.shape[1]);
        Tensor scales = _workspace.GetBuffer("last.scales", -1, hidden.shape[0], 1);
        foreach ((int start, int count) in context.Chunks())
        {
            using DisposeScope scope = NewDisposeScope();
            RmsNormKernel.Forward(
                hidden.narrow(0, start, count),
                _model.Norm.Weight,
                _model.Norm.Epsilon,
                normed.narrow(0, start, count),
                scales.narrow(0, start, count)
            );
        }

        return (normed, scales);
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

        return new FlatContext(rows, _model.Config, _workspace, cos, sin, window, dropoutSeed);
    }

    private long BytesALayer(PackedRows rows) =>
        TrainingMemory.LayerBytes(_model.Config.Shape, rows.Count, rows.Lengths.Count * (long)rows.Longest);
}
