using Pipeline.Model.Lora;
using static TorchSharp.torch;

namespace Pipeline.Training.Optimization;

/// <summary>
/// AdamW with moments in float32. Source: Loshchilov and Hutter 2019, algorithm 2; the order of operations is
/// <c>torch/optim/adamw.py</c>'s.
/// </summary>
public sealed class AdamW : Optimizer
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;
    private readonly double _weightDecay;
    private readonly Tensor _first; // float32 [n], running mean of gradients
    private readonly Tensor _second; // float32 [n], running mean of squared gradients

    public AdamW(TrainableTensors trained, double weightDecay)
        : base(trained)
    {
        ArgumentNullException.ThrowIfNull(trained);
        _weightDecay = weightDecay;
        (_first, _second) = (
            zeros_like(trained.Values).DetachFromDisposeScope(),
            zeros_like(trained.Values).DetachFromDisposeScope()
        );
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State =>
        [("first_moment", _first), ("second_moment", _second)];

    /// <inheritdoc/>
    protected override void Update(double learningRate)
    {
        Tensor gradients = Trained.Gradients;
        Trained.Values.narrow(0, 0, Trained.Decayed).mul_(1 - (learningRate * _weightDecay));
        _first.mul_(Beta1).add_(gradients, alpha: 1 - Beta1);
        _second.mul_(Beta2).addcmul_(gradients, gradients, 1 - Beta2);
        double correction1 = 1 - Math.Pow(Beta1, Steps);
        double correction2 = 1 - Math.Pow(Beta2, Steps);
        Tensor denominator = _second.sqrt().div_(Math.Sqrt(correction2)).add_(Epsilon);
        Trained.Values.addcdiv_(_first, denominator, -learningRate / correction1);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _first.Dispose();
        _second.Dispose();
    }
}
