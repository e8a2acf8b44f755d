using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// What a step of AdamW goes by. Source: Loshchilov and Hutter 2019 ("Decoupled Weight Decay Regularization"),
/// algorithm 2. The kernels' source has the same β₁ and β₂.
/// </summary>
/// <param name="Number">Of the step, from 1: it corrects the moments for having begun at zero.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="WeightDecay">Decoupled: times the learning rate.</param>
/// <param name="Decayed">How many of the numbers, from the first on, decay.</param>
internal readonly record struct AdamWStep(int Number, double LearningRate, double WeightDecay, long Decayed)
{
    /// <summary>β₁, of the mean of gradients.</summary>
    public const double Beta1 = 0.9;

    /// <summary>β₂, of the mean of their squares.</summary>
    public const double Beta2 = 0.999;

    /// <summary>ε.</summary>
    public const double Epsilon = 1e-8;
}

/// <summary>What a step of AdamW reads and writes beside the moments. All contiguous, of one length n.</summary>
/// <param name="Values">float32 [n].</param>
/// <param name="Gradients">[n] in the kernels' numbers; cleared by the step. <c>null</c>: there are totals.</param>
/// <param name="Totals">float32 [n]: read, and cleared, instead of the gradients; <c>null</c>: the gradients are
/// read.</param>
/// <param name="Copies">[n] in the kernels' numbers: gets the values, rounded; <c>null</c>: not wanted.</param>
internal readonly record struct AdamWTensors(Tensor Values, Tensor? Gradients, Tensor? Totals, Tensor? Copies);
