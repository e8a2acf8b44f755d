using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>A frozen model on the device: linear layers as NF4 codes or numbers, the rest as numbers.</summary>
internal sealed class GpuModel : IDisposable
{
    private readonly RotaryEmbedding _rotary;

    private GpuModel(LlamaConfig config, GpuLayer[] layers, Tensor embedding, Tensor? head, Tensor norm)
    {
        (Config, Layers, Embedding, Norm) = (config, layers, embedding.DetachFromDisposeScope(), norm.DetachFromDisposeScope());
        Head = (head ?? embedding.alias()).DetachFromDisposeScope();
        _rotary = new RotaryEmbedding(config);
    }

    public LlamaConfig Config { get; }

    public IReadOnlyList<GpuLayer> Layers { get; }

    /// <summary>[vocabulary, hidden].</summary>
    public Tensor Embedding { get; }

    /// <summary>[vocabulary, hidden]; the embedding's memory where the two are tied.</summary>
    public Tensor Head { get; }

    /// <summary>[hidden].</summary>
    public Tensor Norm { get; }

    /// <summary>Numbers of the largest group's weights.</summary>
    public long LargestGroup => Layers.Max(l => l.LargestGroup);

    /// <summary>Copies a model to the device.</summary>
    /// <param name="model">The model; stays as it is.</param>
    /// <param name="real">The numbers there.</param>
    /// <param name="device">Where.</param>
    public static GpuModel Of(LlamaModel model, ScalarType real, Device device)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor There(Tensor value) => value.to(real).to(device, copy: true);
        return new GpuModel(model.Config, [.. model.Layers.Select(l => new GpuLayer(l, real, device))], There(model.Embedding), model.Config.TiedEmbeddings ? null : There(model.Head), There(model.Norm.Weight));
    }

    /// <summary>A model of random numbers, made on the device: for benchmarks.</summary>
    public static GpuModel Random(LlamaConfig config, ScalarType real, Device device)
    {
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor Table() => empty(config.VocabularySize, config.HiddenSize, dtype: real, device: device).normal_(0, 0.02);
        return new GpuModel(config, [.. Enumerable.Range(0, config.Layers).Select(i => new GpuLayer(i, config, real, device))], Table(), config.TiedEmbeddings ? null : Table(), ones(config.HiddenSize, dtype: real, device: device));
    }

    /// <summary>cos and sin of the first positions, [count, head size / 2] each.</summary>
    public (float[] Cos, float[] Sin) Rotary(int count) => _rotary.Tables(count);

    public void Dispose()
    {
        foreach (GpuLayer layer in Layers)
        {
            layer.Dispose();
        }

        Embedding.Dispose();
        Head.Dispose();
        Norm.Dispose();
        _rotary.Dispose();
    }
}
