using Pipeline.Model.Adapters;
using Pipeline.Model.Quantization;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>A frozen linear layer without bias, with or without LoRA: <c>x Wᵀ + scale · (dropout(x) Aᵀ) Bᵀ</c>.</summary>
/// <remarks>
/// A layer in NF4 keeps its dequantised values once they were needed: the same numbers without dequantising at each call,
/// for the memory of the layer in float32. Right for small bases on the CPU, not for large ones on a GPU (DECISIONS.md).
/// </remarks>
public sealed class Projection : IDisposable
{
    private readonly Nf4Weight? _quantized;
    private Tensor? _weight; // float32 [out, in]
    private Tensor? _folded; // float32 [out, in]: the weight with the adapter's update in it

    /// <summary>Takes ownership of what it holds.</summary>
    public Projection(string path, Tensor weight, WeightStorage storage)
    {
        ArgumentNullException.ThrowIfNull(weight);
        (Path, In, Out) = (path, weight.shape[1], weight.shape[0]);
        if (storage == WeightStorage.Nf4)
        {
            _quantized = Nf4Weight.Quantize(weight);
            weight.Dispose();
        }
        else
        {
            _weight = weight.DetachFromDisposeScope();
        }
    }

    /// <summary>The module's path, such as <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public string Path { get; }
    public long In { get; }
    public long Out { get; }

    /// <summary>The adapter's matrices while one is attached.</summary>
    public LoraPair? Lora { get; private set; }

    /// <summary>Puts an adapter's matrices on the layer, or takes them off with <c>null</c>.</summary>
    /// <param name="lora">The matrices.</param>
    /// <param name="folded">Whether to add the update to a copy of the weight once, for a model that is only asked: one product instead of three.</param>
    public void Attach(LoraPair? lora, bool folded)
    {
        _folded?.Dispose();
        _folded = null;
        Lora = lora;
        if (lora is not null && folded)
        {
            using IDisposable frozen = no_grad();
            using Tensor update = lora.B.mm(lora.A);
            _folded = Weight().add(update, lora.Scale).DetachFromDisposeScope();
        }
    }

    /// <summary>Applies the layer.</summary>
    /// <param name="input">float32 [..., in].</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing, as in evaluation.</param>
    /// <returns>float32 [..., out].</returns>
    public Tensor Forward(Tensor input, uint? dropoutSeed)
    {
        if (_folded is not null)
        {
            return nn.functional.linear(input, _folded);
        }

        Tensor output = nn.functional.linear(input, Weight());
        if (Lora is not { } lora)
        {
            return output;
        }

        Tensor dropped = dropoutSeed is { } seed && lora.Dropout > 0
            ? input.mul(CounterDropout.Mask(input.shape, lora.Dropout, CounterDropout.Derive(seed, lora.Index)))
            : input;
        Tensor low = nn.functional.linear(dropped, lora.A);                  // [..., r]
        return output.add(nn.functional.linear(low, lora.B), lora.Scale);    // [..., out]
    }

    public void Dispose()
    {
        _folded?.Dispose();
        _quantized?.Dispose();
        _weight?.Dispose();
    }

    private Tensor Weight()
    {
        if (_weight is null)
        {
            using IDisposable frozen = no_grad();
            _weight = _quantized!.Dequantize().DetachFromDisposeScope();
        }

        return _weight;
    }
}
