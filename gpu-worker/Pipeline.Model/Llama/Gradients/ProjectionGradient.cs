using Pipeline.Model.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// A frozen linear layer with LoRA, <c>y = x Wᵀ + b + s · (m∘x Aᵀ) Bᵀ</c>, and its derivatives
/// <c>dA = (s dy B)ᵀ (m∘x)</c>, <c>dB = s dyᵀ (m∘x Aᵀ)</c>, <c>dx = dy W + m ∘ (s dy B A)</c>. Twin: <see cref="Projection.Forward"/>.
/// </summary>
internal static class ProjectionGradient
{
    /// <summary>Applies the layer.</summary>
    /// <param name="projection">The layer.</param>
    /// <param name="input">float32 [tokens, in].</param>
    /// <param name="seed">Seed of what the adapter drops; <c>null</c>: nothing.</param>
    /// <returns>float32 [tokens, out], and <c>m∘x Aᵀ</c>, float32 [tokens, r], when the layer is adapted.</returns>
    public static (Tensor Output, Tensor? Low) Forward(Projection projection, Tensor input, uint? seed)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = nn.functional.linear(input, projection.Weight.Values(), projection.Bias);
        Tensor? low = AddUpdate(projection, input, output, seed);
        return (output.MoveToOuterDisposeScope(), low?.MoveToOuterDisposeScope());
    }

    /// <summary>Applies the layer and adds what came in to what goes out.</summary>
    /// <param name="projection">The layer; without bias.</param>
    /// <param name="input">float32 [tokens, in].</param>
    /// <param name="residual">float32 [tokens, out].</param>
    /// <param name="seed">Seed of what the adapter drops; <c>null</c>: nothing.</param>
    public static (Tensor Output, Tensor? Low) ForwardOnto(Projection projection, Tensor input, Tensor residual, uint? seed)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = addmm(residual, input, projection.Weight.Values().t(), 1, 1);
        Tensor? low = AddUpdate(projection, input, output, seed);
        return (output.MoveToOuterDisposeScope(), low?.MoveToOuterDisposeScope());
    }

    /// <summary>Adds the derivatives by the matrices to their gradients, and the one by the input to a sum.</summary>
    /// <param name="projection">The layer.</param>
    /// <param name="input">What it got.</param>
    /// <param name="low">What <see cref="Forward"/> gave beside the output.</param>
    /// <param name="gradient">float32 [tokens, out]: derivative by the output.</param>
    /// <param name="sum">float32 [tokens, in]; <c>null</c>: the derivative by the input is of no use.</param>
    /// <param name="overwrite">Whether the sum begins here.</param>
    /// <param name="seed">As in <see cref="Forward"/>.</param>
    public static void Backward(Projection projection, Tensor input, Tensor? low, Tensor gradient, Tensor? sum, bool overwrite, uint? seed)
    {
        using DisposeScope scope = NewDisposeScope();
        sum?.addmm_(gradient, projection.Weight.Values(), overwrite ? 0 : 1, 1);
        if (projection.Lora is not { } lora)
        {
            return;
        }

        Tensor slope = gradient.mm(lora.B).mul_(lora.Scale);                      // [tokens, r]
        lora.B.grad!.addmm_(gradient.t(), low!, 1, (float)lora.Scale);
        if (seed is { } value && lora.Dropout > 0)
        {
            Tensor through = slope.mm(lora.A);                                    // [tokens, in]
            Tensor dropped = empty_like(input);
            CounterDropout.ApplyBackward(input, dropped, through, sum ?? through, lora.Dropout, CounterDropout.Derive(value, lora.Index));
            lora.A.grad!.addmm_(slope.t(), dropped, 1, 1);
        }
        else
        {
            lora.A.grad!.addmm_(slope.t(), input, 1, 1);
            sum?.addmm_(slope, lora.A, 1, 1);
        }
    }

    private static Tensor? AddUpdate(Projection projection, Tensor input, Tensor output, uint? seed)
    {
        if (projection.Lora is not { } lora)
        {
            return null;
        }

        Tensor dropped = input;
        if (seed is { } value && lora.Dropout > 0)
        {
            dropped = empty_like(input);
            CounterDropout.Apply(input, dropped, lora.Dropout, CounterDropout.Derive(value, lora.Index));
        }

        Tensor low = dropped.mm(lora.A.t()); // [tokens, r]
        output.addmm_(low, lora.B.t(), 1, (float)lora.Scale);
        return low;
    }
}
