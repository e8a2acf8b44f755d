using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>AdamW over an adapter on the device: values and moments in float32, clipping and step in two passes, nothing read back.</summary>
internal sealed class GpuOptimizer : IDisposable
{
    private const int Parts = 1024; // of the gradients' norm
    private readonly GpuAdapter _adapter;
    private readonly GpuKernels _kernels;
    private readonly double _weightDecay;
    private readonly double _clipNorm;
    private readonly Tensor _first;
    private readonly Tensor _second;
    private readonly Tensor _sums;

    /// <summary>With all moments zero.</summary>
    /// <param name="adapter">What is trained: copies and gradients.</param>
    /// <param name="values">What they are copies of, float32 [n] on the device; owned from then on.</param>
    /// <param name="kernels">The kernels.</param>
    /// <param name="weightDecay">Decoupled.</param>
    /// <param name="clipNorm">Above this the gradients are scaled down.</param>
    public GpuOptimizer(GpuAdapter adapter, Tensor values, GpuKernels kernels, double weightDecay, double clipNorm)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        (_adapter, _kernels, _weightDecay, _clipNorm) = (adapter, kernels, weightDecay, clipNorm);
        Values = values.DetachFromDisposeScope();
        (_first, _second) = (zeros_like(Values).DetachFromDisposeScope(), zeros_like(Values).DetachFromDisposeScope());
        _sums = zeros(Parts, device: Values.device).DetachFromDisposeScope();
    }

    /// <summary>What is trained, float32 [n].</summary>
    public Tensor Values { get; }

    /// <summary>Steps done.</summary>
    public int Steps { get; private set; }

    /// <summary>Clips, steps, writes the copies, clears the gradients.</summary>
    /// <param name="learningRate">Of this step.</param>
    /// <returns>float32 scalar on the device: the gradients' norm before.</returns>
    public Tensor Step(double learningRate)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Steps++;
        _kernels.SumOfSquares(_adapter.Gradients, _sums);
        Tensor norm = _sums.sum().sqrt_();
        Tensor clip = norm.add(1e-6).reciprocal_().mul_(_clipNorm).clamp_max_(1); // torch clip_grad_norm_
        _kernels.AdamW(Values, _first, _second, _adapter.Gradients, _adapter.Copies, Values.NumberOfElements, Steps, learningRate, _weightDecay, clip);
        return norm.MoveToOuterDisposeScope();
    }

    public void Dispose() => Array.ForEach([Values, _first, _second, _sums], t => t.Dispose());
}
