using Pipeline.Model.Gpu;
using Pipeline.Model.Lora;
using Pipeline.Model.Optimization;
using static TorchSharp.torch;

namespace Pipeline.Training.Optimization;

/// <summary>
/// AdamW whose moments are held in 8 bits, a block of 256 under one absmax, as bitsandbytes' <c>AdamW8bit</c> does it:
/// two bytes a number where <see cref="AdamW"/> needs eight. Tensors of fewer than 4,096 numbers keep theirs in
/// float32, and so does the embedding, as transformers' Trainer asks of bitsandbytes. Sources: Dettmers et al. 2022
/// ("8-bit Optimizers via Block-wise Quantization"), sections 2 and 3; bitsandbytes <c>optim/optimizer.py</c>
/// (Optimizer2State.init_state) and <c>csrc/kernels.cu</c> (kOptimizerStatic8bit2StateBlockwise,
/// kOptimizer32bit2State). Unlike torch's AdamW both decay the weights after the step, not before it.
/// </summary>
public sealed class AdamW8Bit : Optimizer
{
    private const long SmallestIn8Bits = 4096;
    private const string Embedding = "model.embed_tokens.weight";
    private readonly double _weightDecay;
    private readonly BlockwiseMoments _moments;
    private readonly Accelerator? _gpu;
    private readonly Tensor? _places;

    /// <summary>With all moments zero.</summary>
    /// <param name="trained">What is trained.</param>
    /// <param name="weightDecay">Decoupled.</param>
    /// <param name="gpu">Where it lies on a GPU, that one.</param>
    public AdamW8Bit(TrainableTensors trained, double weightDecay, Accelerator? gpu = null)
        : base(trained)
    {
        ArgumentNullException.ThrowIfNull(trained);
        (_weightDecay, _gpu) = (weightDecay, gpu);
        _moments = Moments(trained, trained.Values.device);
        _places = gpu is null ? null : tensor(_moments.Places, device: gpu.Device).DetachFromDisposeScope();
    }

    /// <summary>Moments of zero for what is trained.</summary>
    /// <param name="trained">Its tensors.</param>
    /// <param name="device">Where they lie.</param>
    public static BlockwiseMoments Moments(TrainableTensors trained, Device device)
    {
        ArgumentNullException.ThrowIfNull(trained);
        return new BlockwiseMoments(
            [
                .. trained.Tensors.Select(t =>
                    (t.Value.NumberOfElements, t.Value.NumberOfElements >= SmallestIn8Bits && t.Name != Embedding)
                ),
            ],
            device
        );
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State => _moments.State;

    /// <inheritdoc/>
    protected override void Update(double learningRate)
    {
        if (_gpu is null)
        {
            _moments.Step(Trained, Steps, (float)learningRate, (float)_weightDecay);
            return;
        }

        using Tensor clip = ones(1, device: _gpu.Device);
        _gpu.Kernels.AdamW8Bit(
            new AdamWTensors(Trained.Values, Gradients: null, Totals: Trained.Gradients, Copies: null),
            _moments,
            _places!,
            new AdamWStep(Steps, learningRate, _weightDecay, Trained.Decayed),
            clip
        );
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _moments.Dispose();
        _places?.Dispose();
    }
}
