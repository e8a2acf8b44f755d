using Pipeline.Model.Lora;
using Pipeline.Model.Weights;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// A frozen linear layer, with or without an adapter. LoRA: <c>x Wᵀ + b + scale · (dropout(x) Aᵀ) Bᵀ</c> (Hu et al.
/// 2021, section 4.1). DoRA puts the magnitude <c>m</c> over the norm of each row of <c>W + scale · B A</c>, the norm
/// held constant for the gradient (Liu et al. 2024, section 4.3; peft <c>tuners/lora/dora.py</c>, DoraLinearLayer).
/// </summary>
public sealed class Projection : IDisposable
{
    private Tensor? _bias; // float32 [out]
    private Tensor? _folded; // float32 [out, in]: the weight with the adapter's update in it

    /// <summary>Takes ownership of what it holds.</summary>
    public Projection(string path, LinearWeight weight, Tensor? bias = null)
    {
        (Path, Weight) = (path, weight);
        _bias = bias?.DetachFromDisposeScope();
    }

    /// <summary>The module's path, such as <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public string Path { get; }
    public LinearWeight Weight { get; }
    public long In => Weight.In;
    public long Out => Weight.Out;

    /// <summary>float32 [out], or <c>null</c>.</summary>
    public Tensor? Bias => _bias;

    /// <summary>The adapter's matrices while one is attached to this layer.</summary>
    public LoraPair? Lora { get; private set; }

    /// <summary>Puts an adapter's matrices on the layer, or takes them off with <c>null</c>.</summary>
    /// <param name="lora">The matrices.</param>
    /// <param name="folded">Whether to add the update to a copy of the weight once, for inference: one
    /// product instead of three. Not done for a weight whose values are made anew at each call.</param>
    public void Attach(LoraPair? lora, bool folded)
    {
        _folded?.Dispose();
        _folded = null;
        Lora = lora;
        if (lora is not null && folded && Weight.IsCheap)
        {
            _folded = Merged().DetachFromDisposeScope();
        }
    }

    /// <summary>Puts other tensors in the place of weight and bias.</summary>
    internal void Replace(Func<string, Tensor, Tensor> replacement)
    {
        Weight.Replace(held => replacement(Path + ".weight", held));
        _bias = _bias is null ? null : replacement(Path + ".bias", _bias);
    }

    /// <summary>Puts weight and bias on another device.</summary>
    internal void MoveTo(Func<Tensor, Tensor> move)
    {
        Attach(null, folded: false);
        Weight.MoveTo(move);
        _bias = _bias is null ? null : move(_bias);
    }

    /// <summary>The weight with the adapter's update in it, float32 [out, in]; a copy.</summary>
    public Tensor Merged()
    {
        using var scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        if (Lora is not { } lora)
        {
            return Weight.Values().clone().MoveToOuterDisposeScope();
        }

        Tensor merged = Weight.Values().add(lora.B.mm(lora.A), lora.Scale);
        return (
            lora.Magnitude is null ? merged : merged.mul_(lora.Magnitude.div(RowNorms(merged)).unsqueeze(1))
        ).MoveToOuterDisposeScope();
    }

    /// <summary>Applies the layer.</summary>
    /// <param name="input">float32 [..., in].</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing, as in evaluation.</param>
    /// <returns>float32 [..., out].</returns>
    public Tensor Forward(Tensor input, uint? dropoutSeed)
    {
        if (_folded is not null)
        {
            return nn.functional.linear(input, _folded, _bias);
        }

        Tensor weight = Weight.Values();
        Tensor output = nn.functional.linear(input, weight, _bias);
        if (Lora is not { } lora)
        {
            return output;
        }

        Tensor dropped =
            dropoutSeed is { } seed && lora.Dropout > 0
                ? input.mul(
                    CounterDropout.Mask(
                        input.shape,
                        lora.Dropout,
                        CounterDropout.Derive(seed, lora.Index),
                        input.device
                    )
                )
                : input;
        Tensor xA = nn.functional.linear(dropped, lora.A); // [..., r]
        Tensor update = nn.functional.linear(xA, lora.B); // [..., out]
        if (lora.Magnitude is not { } magnitude)
        {
            return output.add(update, lora.Scale);
        }

        Tensor ratio = magnitude.div(RowNorms(weight, lora)); // [out]
        Tensor direction = nn.functional.linear(dropped, weight); // [..., out]
        return output.add(ratio.sub(1).mul(direction)).add(ratio.mul(update), lora.Scale);
    }

    /// <summary>The Euclidean norm of each row of <c>W + scale · B A</c>, float32 [out], without gradient.</summary>
    internal static Tensor RowNorms(Tensor weight, LoraPair lora)
    {
        using var scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        return RowNorms(weight.add(lora.B.mm(lora.A), lora.Scale)).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        _folded?.Dispose();
        _bias?.Dispose();
        Weight.Dispose();
    }

    private static Tensor RowNorms(Tensor matrix) => linalg.norm(matrix, dims: [1]);
}
