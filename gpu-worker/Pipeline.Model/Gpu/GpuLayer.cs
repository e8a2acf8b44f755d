using Pipeline.Model.Llama;
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

    /// <summary>Numbers of the largest group's weights.</summary>
    public long LargestGroup => ((FrozenGroup[])[Attention, Output, GateUp, Down]).Max(g => g.Out * g.In);

    public void Dispose()
    {
        AttentionNorm.Dispose();
        FeedForwardNorm.Dispose();
        Array.ForEach<FrozenGroup>([Attention, Output, GateUp, Down], g => g.Dispose());
    }
}
