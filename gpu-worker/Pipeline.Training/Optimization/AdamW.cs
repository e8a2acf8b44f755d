using Pipeline.Model.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Optimization;

/// <summary>AdamW over an adapter's one buffer. Source: Loshchilov and Hutter 2019, algorithm 2; the order of operations is <c>torch/optim/adamw.py</c>'s.</summary>
public sealed class AdamW : IDisposable
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;
    private readonly LoraAdapter _adapter;
    private readonly double _weightDecay;

    public AdamW(LoraAdapter adapter, double weightDecay)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        (_adapter, _weightDecay) = (adapter, weightDecay);
        FirstMoment = zeros_like(adapter.Values).DetachFromDisposeScope();
        SecondMoment = zeros_like(adapter.Values).DetachFromDisposeScope();
    }

    /// <summary>Running mean of gradients, float32 [n].</summary>
    public Tensor FirstMoment { get; }

    /// <summary>Running mean of squared gradients, float32 [n].</summary>
    public Tensor SecondMoment { get; }

    /// <summary>Steps done.</summary>
    public int Steps { get; set; }

    /// <summary>Scales the gradients down to a global norm. Source: torch <c>clip_grad_norm_</c>.</summary>
    /// <returns>The norm before.</returns>
    public double ClipGradients(double norm)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        double total = _adapter.Gradients.norm().item<float>();
        double factor = norm / (total + 1e-6);
        if (factor < 1)
        {
            _adapter.Gradients.mul_(factor);
        }

        return total;
    }

    /// <summary>Takes one step and clears the gradients.</summary>
    public void Step(double learningRate)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Steps++;
        Tensor gradients = _adapter.Gradients;
        _adapter.Values.mul_(1 - (learningRate * _weightDecay));
        FirstMoment.mul_(Beta1).add_(gradients, alpha: 1 - Beta1);
        SecondMoment.mul_(Beta2).addcmul_(gradients, gradients, 1 - Beta2);
        double correction1 = 1 - Math.Pow(Beta1, Steps);
        double correction2 = 1 - Math.Pow(Beta2, Steps);
        Tensor denominator = SecondMoment.sqrt().div_(Math.Sqrt(correction2)).add_(Epsilon);
        _adapter.Values.addcdiv_(FirstMoment, denominator, -learningRate / correction1);
        gradients.zero_();
    }

    public void Dispose()
    {
        FirstMoment.Dispose();
        SecondMoment.Dispose();
    }
}
