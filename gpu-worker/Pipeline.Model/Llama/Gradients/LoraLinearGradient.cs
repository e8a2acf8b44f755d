using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// A frozen linear layer with LoRA, <c>y = x Wᵀ + b + s · (m∘x Aᵀ) Bᵀ</c>, and its derivatives
/// <c>dA = (s dy B)ᵀ (m∘x)</c>, <c>dB = s dyᵀ (m∘x Aᵀ)</c>, <c>dx = dy W + m ∘ (s dy B A)</c>, for some of a batch's
/// tokens. Definition: <see cref="Projection.Forward"/>.
/// </summary>
/// <param name="workspace">For what is not kept.</param>
/// <param name="dropoutSeed">Seed of what adapters drop; <c>null</c>: nothing.</param>
internal sealed class LoraLinearGradient(TensorWorkspace workspace, uint? dropoutSeed)
{
    private const int AnyLayer = -1;

    /// <summary>Applies the layer.</summary>
    /// <param name="part">The layer; its <c>m∘x Aᵀ</c> is written.</param>
    /// <param name="input">float32 [tokens, in].</param>
    /// <param name="output">Gets the result, float32 [tokens, out]; with <paramref name="onto"/> what is there is added
    /// to it.</param>
    /// <param name="onto">Whether the result is added to the output, which then holds earlier values. Not for layers
    /// with a bias.</param>
    public void Forward(ProjectionPart part, Tensor input, Tensor output, bool onto)
    {
        using DisposeScope scope = NewDisposeScope();
        (Projection projection, Tensor weight, Tensor? xA, long firstToken) = part;
        if (projection.Bias is not null)
        {
            output.copy_(projection.Bias);
        }

        output.addmm_(input, weight.t(), onto || projection.Bias is not null ? 1 : 0, 1);
        if (projection.Lora is not { } lora)
        {
            return;
        }

        Tensor droppedInput = input;
        if (dropoutSeed is { } seed && lora.Dropout > 0)
        {
            droppedInput = workspace.GetBuffer("dropped", AnyLayer, input.shape[0], input.shape[1]);
            CounterDropout.Apply(
                input,
                droppedInput,
                lora.Dropout,
                CounterDropout.Derive(seed, lora.Index),
                firstToken * input.shape[1]
            );
        }

        xA!.addmm_(droppedInput, lora.A.t(), 0, 1);
        output.addmm_(xA, lora.B.t(), 1, (float)lora.Scale);
    }

    /// <summary>Adds the derivatives by the matrices to their gradients, and the one by the input to a sum.</summary>
    /// <param name="part">The layer, as <see cref="Forward"/> left it.</param>
    /// <param name="input">What it got.</param>
    /// <param name="gradient">float32 [tokens, out]: derivative by the output.</param>
    /// <param name="sum">float32 [tokens, in]; <c>null</c>: the derivative by the input is of no use.</param>
    /// <param name="overwrite">Whether the sum begins here.</param>
    public void Backward(ProjectionPart part, Tensor input, Tensor gradient, Tensor? sum, bool overwrite)
    {
        using DisposeScope scope = NewDisposeScope();
        (Projection projection, Tensor weight, Tensor? xA, long firstToken) = part;
        sum?.addmm_(gradient, weight, overwrite ? 0 : 1, 1);
        if (projection.Lora is not { } lora)
        {
            return;
        }

        Tensor dyB = workspace
            .GetBuffer("dyB", AnyLayer, xA!.shape[0], xA.shape[1])
            .addmm_(gradient, lora.B, 0, (float)lora.Scale); // [tokens, r]
        lora.B.grad!.addmm_(gradient.t(), xA, 1, (float)lora.Scale);
        if (dropoutSeed is { } seed && lora.Dropout > 0)
        {
            Tensor dxLora = workspace
                .GetBuffer("dxLora", AnyLayer, input.shape[0], input.shape[1])
                .addmm_(dyB, lora.A, 0, 1); // [tokens, in]
            Tensor droppedInput = workspace.GetBuffer("dropped", AnyLayer, input.shape[0], input.shape[1]);
            CounterDropout.ApplyBackward(
                input,
                droppedInput,
                dxLora,
                sum ?? dxLora,
                new MaskPart(lora.Dropout, CounterDropout.Derive(seed, lora.Index), First: firstToken * input.shape[1])
            );
            lora.A.grad!.addmm_(dyB.t(), droppedInput, 1, 1);
        }
        else
        {
            lora.A.grad!.addmm_(dyB.t(), input, 1, 1);
            sum?.addmm_(dyB, lora.A, 1, 1);
        }
    }
}
