using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// Frozen linear layers with LoRA, <c>y = x Wᵀ + b + s · (m∘x Aᵀ) Bᵀ</c>, and the derivatives
/// <c>dA = (s dy B)ᵀ (m∘x)</c>, <c>dB = s dyᵀ (m∘x Aᵀ)</c>, <c>dx = dy W + m ∘ (s dy B A)</c>. The weights' values are
/// made for each product and kept by none; masks follow from the seed. Definition:
/// <see cref="Llama.Projection.Forward"/>.
/// </summary>
/// <param name="kernels">The kernels.</param>
/// <param name="buffer">For dequantised weights.</param>
/// <param name="dropoutSeed">Seed of what is dropped; <c>null</c>: nothing.</param>
internal sealed class GpuLoraGradient(GpuKernels kernels, Tensor buffer, uint? dropoutSeed)
{
    /// <summary>What of their input the matrices do not see; <c>null</c>: they see it all.</summary>
    public DropMask? Mask(LoraGroup? lora) =>
        lora is not null && dropoutSeed is { } seed && lora.Dropout > 0
            ? new DropMask(lora.Dropout, CounterDropout.Derive(seed, lora.Number))
            : null;

    /// <summary>Applies the layers.</summary>
    /// <param name="frozen">Their weights.</param>
    /// <param name="lora">Their matrices; <c>null</c>: none.</param>
    /// <param name="input">[tokens, in].</param>
    /// <param name="droppedInput">What the matrices see of it.</param>
    /// <returns>[tokens, out of all], and <c>m∘x Aᵀ</c>, [tokens, ranks], where there are matrices.</returns>
    public (Tensor Output, Tensor? XA) Forward(FrozenGroup frozen, LoraGroup? lora, Tensor input, Tensor droppedInput)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = Frozen(frozen, input);
        if (lora is null)
        {
            return (output.MoveToOuterDisposeScope(), null);
        }

        Tensor xA = LoraDown(lora, droppedInput)!;
        foreach (LoraMember member in lora.Members)
        {
            output
                .narrow(1, member.Output, member.Outputs)
                .addmm_(xA.narrow(1, member.Rank, member.Ranks), member.B.t(), 1, (float)member.Scale);
        }

        return (output.MoveToOuterDisposeScope(), xA.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// <c>m∘x Aᵀ</c>, [tokens, ranks], in the caller's dispose scope; <c>null</c>: there are no matrices.
    /// </summary>
    public static Tensor? LoraDown(LoraGroup? lora, Tensor droppedInput)
    {
        using DisposeScope scope = NewDisposeScope();
        return lora is null ? null : droppedInput.mm(lora.A.t()).MoveToOuterDisposeScope();
    }

    /// <summary>The derivative by the input, and what those by A need; adds those by B.</summary>
    /// <param name="frozen">The weights.</param>
    /// <param name="lora">The matrices.</param>
    /// <param name="xA">What <see cref="Forward"/> gave.</param>
    /// <param name="gradient">[tokens, out]: derivative by the output.</param>
    /// <param name="inputWanted">Whether anything below is trained.</param>
    /// <returns>[tokens, in]; <c>s dy B A</c>, [tokens, in], which goes through the mask onto that, where there is one;
    /// and <c>s dy B</c>, [tokens, ranks].</returns>
    public (Tensor? Input, Tensor? DxLora, Tensor? DyB) Backward(
        FrozenGroup frozen,
        LoraGroup? lora,
        Tensor? xA,
        Tensor gradient,
        bool inputWanted = true
    )
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? input = inputWanted ? gradient.mm(frozen.Values(kernels, buffer)) : null;
        if (lora is null)
        {
            return (input?.MoveToOuterDisposeScope(), null, null);
        }

        Tensor dyB = empty_like(xA!);
        foreach (LoraMember member in lora.Members)
        {
            Tensor part = gradient.narrow(1, member.Output, member.Outputs);
            dyB.narrow(1, member.Rank, member.Ranks).addmm_(part, member.B, 0, (float)member.Scale);
            member.GradientB.addmm_(part.t(), xA!.narrow(1, member.Rank, member.Ranks), 1, (float)member.Scale);
        }

        Tensor? dxLora = input is not null && Mask(lora) is not null ? dyB.mm(lora.A) : null;
        if (dxLora is null)
        {
            input?.addmm_(dyB, lora.A, 1, 1);
        }

        return (input?.MoveToOuterDisposeScope(), dxLora?.MoveToOuterDisposeScope(), dyB.MoveToOuterDisposeScope());
    }

    /// <summary>Adds the derivatives by A.</summary>
    /// <param name="lora">The matrices.</param>
    /// <param name="dyB">What <see cref="Backward"/> gave.</param>
    /// <param name="droppedInput">What the matrices saw of the input; asked for where there are matrices.</param>
    public static void AccumulateA(LoraGroup? lora, Tensor? dyB, Func<Tensor> droppedInput)
    {
        if (lora is not null)
        {
            using DisposeScope scope = NewDisposeScope();
            lora.GradientA.addmm_(dyB!.t(), droppedInput(), 1, 1);
        }
    }

    /// <summary>What the matrices see of an input; the input itself where nothing is dropped.</summary>
    public Tensor DroppedInput(LoraGroup? lora, Tensor input)
    {
        if (Mask(lora) is not { } mask)
        {
            return input;
        }

        Tensor droppedInput = empty_like(input);
        kernels.Dropout(input, droppedInput, mask, onto: false);
        return droppedInput;
    }

    private Tensor Frozen(FrozenGroup frozen, Tensor input)
    {
        if (frozen.Multiply(kernels, input) is { } product)
        {
            return frozen.Bias is null ? product : product.add_(frozen.Bias);
        }

        Tensor weight = frozen.Values(kernels, buffer).t();
        return frozen.Bias is { } bias ? addmm(bias, input, weight, 1, 1) : input.mm(weight);
    }
}
