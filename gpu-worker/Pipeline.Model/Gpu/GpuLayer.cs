using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>The frozen weights of a decoder layer on the device.</summary>
internal sealed class GpuLayer : IDisposable
{
    /// <summary>Copies a layer to the device.</summary>
    public GpuLayer(DecoderLayer layer, ScalarType real, Device device)
    {
        ArgumentNullException.ThrowIfNull(layer);
        Index = layer.Index;
        AttentionNorm = layer.AttentionNorm.Weight.to(real).to(device, copy: true).DetachFromDisposeScope();
        FeedForwardNorm = layer.FeedForwardNorm.Weight.to(real).to(device, copy: true).DetachFromDisposeScope();
        Epsilon = layer.AttentionNorm.Epsilon;
        Attention = new FrozenGroup([layer.Query, layer.Key, layer.Value], real, device);
        Output = new FrozenGroup([layer.Output], real, device);
        GateUp = new FrozenGroup([layer.Gate, layer.Up], real, device);
        Down = new FrozenGroup([layer.Down], real, device);
    }

    /// <summary>Random codes of a layer's shape, for benchmarks.</summary>
    public GpuLayer(int index, LlamaConfig config, ScalarType real, Device device)
    {
        ArgumentNullException.ThrowIfNull(config);
        (Index, Epsilon) = (index, config.RmsNormEpsilon);
        (AttentionNorm, FeedForwardNorm) = (
            ones(config.HiddenSize, dtype: real, device: device).DetachFromDisposeScope(),
            ones(config.HiddenSize, dtype: real, device: device).DetachFromDisposeScope()
        );
        FrozenGroup Group(params string[] names) =>
            new([.. config.Shape.Linears.Where(l => names.Contains(l.Name)).Select(l => Random(l.Out, l.In, device))]);
        (Attention, Output, GateUp, Down) = (
            Group("q_proj", "k_proj", "v_proj"),
            Group("o_proj"),
            Group("gate_proj", "up_proj"),
            Group("down_proj")
        );
    }

    /// <summary>The layer's place, from 0.</summary>
    public int Index { get; }

    /// <summary>ε of both norms.</summary>
    public double Epsilon { get; }

    /// <summary>[hidden].</summary>
    public Tensor AttentionNorm { get; }

    /// <summary>[hidden].</summary>
    public Tensor FeedForwardNorm { get; }

    /// <summary>Queries, keys and values.</summary>
    public FrozenGroup Attention { get; }

    public FrozenGroup Output { get; }

    public FrozenGroup GateUp { get; }

    public FrozenGroup Down { get; }

    /// <summary>Bytes of all groups' weights.</summary>
    public long Bytes => ((FrozenGroup[])[Attention, Output, GateUp, Down]).Sum(g => g.Bytes);

    /// <summary>Numbers of the largest group's weights.</summary>
    public long LargestGroup => ((FrozenGroup[])[Attention, Output, GateUp, Down]).Max(g => g.Out * g.In);

    /// <summary>
    /// Values of about the size that trained weights have: absmax codes near the middle, whose scale is 0.02.
    /// </summary>
    private static Nf4Weight Random(long outputs, long inputs, Device device)
    {
        long count = outputs * inputs,
            blocks = (count + Nf4.BlockSize - 1) / Nf4.BlockSize;
        return new Nf4Weight(
            [outputs, inputs],
            randint(0, 256, (count + 1) / 2, dtype: ScalarType.Byte, device: device),
            randint(100, 140, blocks, dtype: ScalarType.Byte, device: device),
            full((blocks + Nf4.NestedBlockSize - 1) / Nf4.NestedBlockSize, 0.02f, device: device),
            0.03f
        );
    }

    public void Dispose()
    {
        AttentionNorm.Dispose();
        FeedForwardNorm.Dispose();
        Array.ForEach<FrozenGroup>([Attention, Output, GateUp, Down], g => g.Dispose());
    }
}
