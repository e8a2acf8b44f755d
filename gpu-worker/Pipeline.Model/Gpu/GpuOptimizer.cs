using Pipeline.Model.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// AdamW over an adapter on the device: values in float32, moments in float32 or 8 bits, clipping and step in two
/// passes, nothing read back.
/// </summary>
internal sealed class GpuOptimizer : IDisposable
{
    private const int Parts = 1024; // of the gradients' norm
    private readonly GpuAdapter _adapter;
    private readonly GpuKernels _kernels;
    private readonly double _weightDecay;
    private readonly BlockwiseMoments? _moments;
    private readonly Tensor? _places;
    private readonly Tensor? _first;
    private readonly Tensor? _second;
    private readonly Tensor _sums;

    /// <summary>With all moments zero.</summary>
    /// <param name="adapter">What is trained: copies and gradients.</param>
    /// <param name="values">What they are copies of, float32 [n] on the device; owned from then on.</param>
    /// <param name="kernels">The kernels.</param>
    /// <param name="weightDecay">Decoupled.</param>
    /// <param name="moments">In 8 bits, on the device; owned from then on. <c>null</c>: they are held in
    /// float32.</param>
    public GpuOptimizer(
        GpuAdapter adapter,
        Tensor values,
        GpuKernels kernels,
        double weightDecay,
        BlockwiseMoments? moments = null
    )
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(values);
        (_adapter, _kernels, _weightDecay, _moments) = (adapter, kernels, weightDecay, moments);
        Values = values.DetachFromDisposeScope();
        if (moments is null)
        {
            (_first, _second) = (
                zeros_like(Values).DetachFromDisposeScope(),
                zeros_like(Values).DetachFromDisposeScope()
            );
        }

        _places = moments is null ? null : tensor(moments.Places, device: Values.device).DetachFromDisposeScope();
        _sums = zeros(Parts, device: Values.device).DetachFromDisposeScope();
    }

    /// <summary>What is trained, float32 [n].</summary>
    public Tensor Values { get; }

    /// <summary>Steps done.</summary>
    public int Steps { get; set; }

    /// <summary>The moments, under the names that they have in a checkpoint.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> State =>
        _moments?.State ?? [("first_moment", _first!), ("second_moment", _second!)];

    /// <summary>Writes the copies anew, where the values were set.</summary>
    public void Round()
    {
        using IDisposable frozen = no_grad();
        _adapter.Copies.copy_(Values);
    }

    /// <summary>Clips, steps, writes the copies, clears the gradients.</summary>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="clipNorm">Above this the gradients are scaled down.</param>
    /// <param name="loss">float32 scalar on the device: where it is not a number, nothing is stepped; <c>null</c>: it
    /// is not looked at.</param>
    /// <returns>float32 scalar on the device: the gradients' norm before.</returns>
    public Tensor Step(double learningRate, double clipNorm, Tensor? loss = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Steps++;
        Tensor norm = Norm();
        Tensor clip = norm.add(1e-6).reciprocal_().mul_(clipNorm).clamp_max_(1); // torch clip_grad_norm_
        clip = loss is null ? clip : clip.add_(loss.mul(0)); // what is not a number makes the factor none
        var trained = new AdamWTensors(Values, _adapter.Gradients, _adapter.Totals, _adapter.Copies);
        var step = new AdamWStep(Steps, learningRate, _weightDecay, Decayed: Values.NumberOfElements);
        if (_moments is null)
        {
            _kernels.AdamW(trained, _first!, _second!, step, clip);
        }
        else
        {
            _kernels.AdamW8Bit(trained, _moments, _places!, step, clip);
        }

        return norm.MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Array.ForEach([Values, _first, _second, _sums, _places], t => t?.Dispose());
        _moments?.Dispose();
    }

    private Tensor Norm()
    {
        if (_adapter.Totals is { } totals)
        {
            return totals.norm();
        }

        _kernels.SumOfSquares(_adapter.Gradients, _sums);
        return _sums.sum().sqrt_();
    }
}
