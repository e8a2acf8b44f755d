using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>A frozen model on the device: linear layers as NF4 codes or numbers, the rest as numbers.</summary>
internal sealed class GpuModel : IDisposable
{
    private const int MinPositions = 512;
    private readonly RotaryEmbedding _rotary;
    private (Tensor Cosines, Tensor Sines)? _turns;

    private GpuModel(LlamaConfig config, GpuLayer[] layers, Tensor embedding, Tensor? host, Tensor? head, Tensor norm)
    {
        (Config, Layers, Norm) = (config, layers, norm.DetachFromDisposeScope());
        Head = (head ?? embedding.alias()).DetachFromDisposeScope();
        Embedding = new EmbeddingTable(embedding, host, tied: head is null);
        _rotary = new RotaryEmbedding(config);
    }

    public LlamaConfig Config { get; }

    public IReadOnlyList<GpuLayer> Layers { get; }

    /// <summary>What tokens begin as.</summary>
    public EmbeddingTable Embedding { get; }

    /// <summary>[vocabulary, hidden]; the embedding's memory where the two are tied.</summary>
    public Tensor Head { get; }

    /// <summary>[hidden].</summary>
    public Tensor Norm { get; }

    /// <summary>Numbers of the largest group's weights.</summary>
    public long LargestGroup => Layers.Max(l => l.LargestGroup);

    /// <summary>Copies a model to the device.</summary>
    /// <param name="model">The model; stays as it is, and is there as long as this: a batch's embeddings may come from
    /// it.</param>
    /// <param name="real">The numbers there.</param>
    /// <param name="device">Where.</param>
    public static GpuModel From(LlamaModel model, ScalarType real, Device device)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor OnDevice(Tensor value) => value.to(real).to(device, copy: true);
        return new GpuModel(
            model.Config,
            [.. model.Layers.Select(l => new GpuLayer(l, real, device))],
            OnDevice(model.Embedding),
            model.Embedding,
            model.Config.TiedEmbeddings ? null : OnDevice(model.Head),
            OnDevice(model.Norm.Weight)
        );
    }

    /// <summary>A model of random numbers, made on the device: for benchmarks.</summary>
    public static GpuModel Random(LlamaConfig config, ScalarType real, Device device)
    {
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor Table() => empty(config.VocabularySize, config.HiddenSize, dtype: real, device: device).normal_(0, 0.02);
        return new GpuModel(
            config,
            [.. Enumerable.Range(0, config.Layers).Select(i => new GpuLayer(i, config, real, device))],
            Table(),
            host: null,
            config.TiedEmbeddings ? null : Table(),
            ones(config.HiddenSize, dtype: real, device: device)
        );
    }

    /// <summary>Where it lies.</summary>
    public Device Device => Norm.device;

    /// <summary>Bytes on the device.</summary>
    public long Bytes =>
        Layers.Sum(l => l.Bytes)
        + Embedding.Bytes
        + (((Config.TiedEmbeddings ? 0 : Head.NumberOfElements) + Norm.NumberOfElements) * Norm.ElementSize);

    /// <summary>What of a model's shape the kernels do not take; <c>null</c>: they take it.</summary>
    public static string? Refusal(LlamaConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        (string Name, long Size, int Of)[] sizes =
        [
            ("hidden_size", config.HiddenSize, 8),
            ("intermediate_size", config.IntermediateSize, 8),
            ("head_dim", config.HeadSize, 16),
        ];
        return sizes
            .Where(s => s.Size % s.Of != 0)
            .Select(s => $"{s.Name} {s.Size} is not a multiple of {s.Of}")
            .FirstOrDefault();
    }

    /// <summary>
    /// cos and sin of at least the first positions, float32 [positions, head size / 2] each, on the device; the model's
    /// own.
    /// </summary>
    public (Tensor Cosines, Tensor Sines) Rotary(int count)
    {
        if (_turns is { } cached && cached.Cosines.shape[0] >= count)
        {
            return cached;
        }

        _turns?.Cosines.Dispose();
        _turns?.Sines.Dispose();
        int positions = Math.Max(MinPositions, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)count));
        (float[] cosines, float[] sines) = _rotary.Tables(positions);
        Tensor Table(float[] values)
        {
            // an array's memory, which begins anywhere
            using Tensor here = tensor(values, [positions, Config.HeadSize / 2]);
            return here.to(Device, copy: true).DetachFromDisposeScope();
        }

        (Tensor Cosines, Tensor Sines) made = (Table(cosines), Table(sines));
        _turns = made;
        return made;
    }

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
        _turns?.Cosines.Dispose();
        _turns?.Sines.Dispose();
    }
}
