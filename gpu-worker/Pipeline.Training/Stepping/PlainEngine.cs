using Pipeline.Training.Batching;
using Pipeline.Training.Objectives;
using Pipeline.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Stepping;

/// <summary>Steps where the model lies: by hand-written derivatives on the CPU, else by autograd.</summary>
internal sealed class PlainEngine : StepEngine
{
    private readonly TrainingRun _run;
    private readonly Optimizer _optimizer;
    private readonly StepGradient _gradient;

    /// <summary>For a run.</summary>
    public PlainEngine(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        _run = run;
        _gradient = new StepGradient(run.Model, run.Settings.NeftuneAlpha);
        _optimizer = Optimizer.For(run.Trained, run.Settings, run.Gpu);
    }

    /// <inheritdoc/>
    public override string Name =>
        _run.Model.Device.type == DeviceType.CPU
            ? $"the CPU, {(_gradient.ByHand ? "by hand-written derivatives" : "by autograd")}, float32"
            : "the GPU, by plain torch, float32";

    /// <inheritdoc/>
    public override bool RunsAhead => false;

    /// <inheritdoc/>
    public override int Steps
    {
        get => _optimizer.Steps;
        set => _optimizer.Steps = value;
    }

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, Tensor Value)> State => _optimizer.State;

    /// <inheritdoc/>
    public override IStepNumbers Step(
        IReadOnlyList<IReadOnlyList<EncodedRow>> batches,
        uint dropoutSeed,
        double learningRate,
        FirstStepCheck first
    )
    {
        ArgumentNullException.ThrowIfNull(first);
        double loss = _gradient.Accumulate(batches, dropoutSeed);
        double norm = _optimizer.ClipGradients(_run.Settings.ClipNorm);
        if (double.IsFinite(loss) && double.IsFinite(norm))
        {
            first.Before(learningRate);
            _optimizer.Step(learningRate);
        }
        else
        {
            _optimizer.Steps++; // nothing is learned from it
        }

        return new Numbers(loss, norm);
    }

    /// <inheritdoc/>
    public override double Loss(IReadOnlyList<EncodedRow> rows) => _gradient.Loss(rows);

    /// <inheritdoc/>
    public override void CopyToHost()
    {
        // the values are where others read them
    }

    /// <inheritdoc/>
    public override void CopyToDevice()
    {
        // the values are where they were set
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _gradient.Dispose();
        _optimizer.Dispose();
    }

    private sealed record Numbers(double Loss, double Norm) : IStepNumbers
    {
        public (double Loss, double Norm) Read() => (Loss, Norm);

        public void Dispose()
        {
            // nothing is held
        }
    }
}
