using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// What each kernel computes, by plain torch, in whatever numbers and wherever the tensors are. The definitions; slow.
/// </summary>
internal static class KernelReference
{
    /// <summary>See <see cref="GpuKernels.RmsNorm"/>.</summary>
    public static (Tensor Output, Tensor Scales) RmsNorm(Tensor input, Tensor weight, double epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor scales = input.square().mean([-1L], keepdim: true).add(epsilon).rsqrt();
        return (input.mul(scales).mul(weight).MoveToOuterDisposeScope(), scales.squeeze(-1).MoveToOuterDisposeScope());
    }

    /// <summary>See <see cref="GpuKernels.RmsNormBackward"/>, without a residual.</summary>
    public static Tensor RmsNormBackward(Tensor input, Tensor weight, double epsilon, Tensor gradient) =>
        Derivative([input], x => RmsNorm(x[0], weight, epsilon).Output, gradient)[0];

    /// <summary>See <see cref="GpuKernels.Rotate"/>.</summary>
    /// <param name="heads">[rows, heads, head size].</param>
    /// <param name="positions">int64 [rows].</param>
    /// <param name="cosines">[positions, head size / 2].</param>
    /// <param name="sines">The same shape.</param>
    public static Tensor Rotate(Tensor heads, Tensor positions, Tensor cosines, Tensor sines)
    {
        using DisposeScope scope = NewDisposeScope();
        long half = heads.shape[2] / 2;
        Tensor c = cosines.index_select(0, positions).unsqueeze(1),
            s = sines.index_select(0, positions).unsqueeze(1);
        Tensor first = heads.narrow(2, 0, half),
            second = heads.narrow(2, half, half);
        return cat([first.mul(c).sub(second.mul(s)), second.mul(c).add(first.mul(s))], 2).MoveToOuterDisposeScope();
    }

    /// <summary>See <see cref="GpuKernels.SwiGlu"/>.</summary>
    public static Tensor SwiGlu(Tensor gateUp)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] parts = gateUp.chunk(2, 1);
        return nn.functional.silu(parts[0]).mul(parts[1]).MoveToOuterDisposeScope();
    }

    /// <summary>See <see cref="GpuKernels.SwiGluBackward"/>.</summary>
    /// <returns>The derivative by gate and up, [rows, 2 · inner].</returns>
    public static Tensor SwiGluBackward(Tensor gateUp, Tensor gradient) =>
        Derivative([gateUp], x => SwiGlu(x[0]), gradient)[0];

    /// <summary>See <see cref="GpuKernels.Dropout"/>.</summary>
    public static Tensor Dropout(Tensor input, double probability, uint seed)
    {
        using DisposeScope scope = NewDisposeScope();
        return input
            .mul(CounterDropout.Mask(input.shape, probability, seed).to(input.device).to(input.dtype))
            .MoveToOuterDisposeScope();
    }

    /// <summary>See <see cref="GpuKernels.CrossEntropy"/>.</summary>
    /// <param name="logits">[rows, vocabulary].</param>
    /// <param name="targets">int64 [rows].</param>
    /// <param name="weight">Factor of the derivative.</param>
    public static (Tensor Losses, Tensor Derivative) CrossEntropy(Tensor logits, Tensor targets, double weight)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor losses = nn.functional.cross_entropy(logits, targets, reduction: nn.Reduction.None);
        Tensor derivative = nn
            .functional.softmax(logits, 1)
            .sub(nn.functional.one_hot(targets, logits.shape[1]))
            .mul(weight);
        return (losses.MoveToOuterDisposeScope(), derivative.MoveToOuterDisposeScope());
    }

    /// <summary>See <see cref="GpuKernels.AdamW"/>; moments and values are changed.</summary>
    public static void AdamW(Tensor values, Tensor first, Tensor second, Tensor gradients, AdamWStep step, double clip)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor scaled = gradients.mul(clip);
        values.narrow(0, 0, step.Decayed).mul_(1 - (step.LearningRate * step.WeightDecay));
        first.mul_(0.9).add_(scaled, alpha: 0.1);
        second.mul_(0.999).addcmul_(scaled, scaled, 0.001);
        Tensor denominator = second.sqrt().div_(Math.Sqrt(1 - Math.Pow(0.999, step.Number))).add_(1e-8);
        values.addcdiv_(first, denominator, -step.LearningRate / (1 - Math.Pow(0.9, step.Number)));
    }

    private static Tensor[] Derivative(Tensor[] inputs, Func<Tensor[], Tensor> function, Tensor gradient)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable recorded = enable_grad();
        Tensor[] leaves = [.. inputs.Select(i => i.detach().clone().requires_grad_())];
        return [.. autograd.grad([function(leaves)], leaves, [gradient]).Select(g => g.MoveToOuterDisposeScope())];
    }
}
