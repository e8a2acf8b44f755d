using System.Globalization;
using System.Runtime.InteropServices;
using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Lora;
using Pipeline.Training.Batching;
using Pipeline.Training.Faults;
using Pipeline.Training.Objectives;
using Pipeline.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Stepping;

/// <summary>
/// Steps on a GPU by the kernels: products in bfloat16 (float32 where the GPU has none), values and moments in float32
/// or the moments in 8 bits. The host queues a step and goes on; nothing in a step waits for the device. The run's
/// adapter lies on the CPU and gets the values on request.
/// </summary>
internal sealed class AcceleratedEngine : StepEngine
{
    private readonly TrainingRun _run;
    private readonly AcceleratedModel _model;
    private readonly GpuAdapter _adapter;
    private readonly GpuGradient _gradient;
    private readonly GpuOptimizer _optimizer;

    private AcceleratedEngine(
        TrainingRun run,
        LoraAdapter adapter,
        AcceleratedModel model,
        ActivationCheckpointing memory,
        long mostTokens,
        string name
    )
    {
        (_run, _model, Name) = (run, model, name);
        Device device = model.Accelerator.Device;
        _adapter = model.Copy(adapter);
        _gradient = model.Gradient(_adapter, memory, mostTokens);
        using DisposeScope scope = NewDisposeScope();
        _optimizer = new GpuOptimizer(
            _adapter,
            adapter.Values.to(device, copy: true),
            model.Accelerator.Kernels,
            run.Settings.WeightDecay,
            run.Settings.Optimizer == OptimizerKind.AdamW8Bit ? AdamW8Bit.Moments(adapter, device) : null
        );
    }

    /// <summary>With the fastest way that fits into the device's memory, or the one that the settings name.</summary>
    /// <exception cref="TrainingException">Not even the leanest fits.</exception>
    public static AcceleratedEngine For(TrainingRun run, StepPlan plan, AcceleratedModel model)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(model);
        var adapter =
            run.Trained as LoraAdapter
            ?? throw new ArgumentException("Only adapters are trained by the kernels.", nameof(run));
        BaseShape shape = model.Config.Shape;
        long slots = plan.MaxSlots,
            available = model.Accelerator.FreeBytes;
        string Gibi(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB");
        int number = model.Accelerator.Kernels.Real == ScalarType.Float32 ? 4 : 2;
        long Needed(ActivationCheckpointing way) =>
            TrainingMemory.OnGpu(shape, run.Settings, slots, way, number).TotalBytes;
        ActivationCheckpointing memory =
            run.Settings.ActivationCheckpointing != ActivationCheckpointing.Auto
                ? run.Settings.ActivationCheckpointing
                : TrainingMemory.FastestThatFits(shape, run.Settings, slots, available, number)
                    ?? throw new TrainingException(
                        "Even training.activationCheckpointing offload needs "
                            + $"{Gibi(Needed(ActivationCheckpointing.Offload))} for micro-batches of "
                            + $"{slots} tokens; the GPU has {Gibi(available)} free. Lower training.packTokens or "
                            + "training.batchSize, and raise training.gradientAccumulation as much."
                    );
        return new AcceleratedEngine(
            run,
            adapter,
            model,
            memory,
            plan.MaxTokens,
            $"the GPU, by its kernels, {model.Accelerator.Kernels.Real.ToString().ToLowerInvariant()}, activation "
                + $"checkpointing {memory.Name()}: {Gibi(Needed(memory))} estimated of {Gibi(available)} free"
        );
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override bool RunsAhead => true;

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
    ) =>
        Fitting(() =>
        {
            ArgumentNullException.ThrowIfNull(batches);
            using DisposeScope scope = NewDisposeScope();
            using IDisposable frozen = no_grad();
            int supervised = batches.Sum(b => b.Sum(r => r.SupervisedTokens));
            Tensor loss = zeros([], device: _model.Accelerator.Device);
            foreach ((int index, IReadOnlyList<EncodedRow> rows) in batches.Index())
            {
                uint seed = CounterDropout.Derive(dropoutSeed, index);
                using GpuBatch batch = Batch(rows);
                loss.add_(_gradient.Accumulate(batch, 1.0 / supervised, seed, Noise(batch, seed)));
                if (batches.Count > 1 || _adapter.Totals is not null) // sums that were made once are what is stepped by
                {
                    _adapter.AddUp();
                }
            }

            loss.div_(supervised);
            Tensor norm = _optimizer.Step(learningRate, _run.Settings.ClipNorm, loss);
            return (IStepNumbers)new Numbers(new HostCopy(stack([loss, norm])));
        });

    /// <inheritdoc/>
    public override double Loss(IReadOnlyList<EncodedRow> rows) =>
        Fitting(() =>
        {
            using DisposeScope scope = NewDisposeScope();
            using GpuBatch batch = Batch(rows);
            return (double)_gradient.Accumulate(batch, weight: null, dropoutSeed: null).item<float>();
        });

    /// <inheritdoc/>
    public override void CopyToHost()
    {
        using IDisposable frozen = no_grad();
        _run.Trained.Values.copy_(_optimizer.Values);
    }

    /// <inheritdoc/>
    public override void CopyToDevice()
    {
        using IDisposable frozen = no_grad();
        _optimizer.Values.copy_(_run.Trained.Values);
        _optimizer.Round();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _gradient.Dispose();
        _optimizer.Dispose();
        _adapter.Dispose();
    }

    private GpuBatch Batch(IReadOnlyList<EncodedRow> rows)
    {
        (List<int> predicting, List<int> targets) = MicroBatch.SupervisedPositions(rows);
        return new GpuBatch([.. rows.Select(r => r.Ids)], predicting, targets, _model.Accelerator.Device);
    }

    private Tensor? Noise(GpuBatch batch, uint seed)
    {
        if (_run.Settings.NeftuneAlpha <= 0)
        {
            return null;
        }

        Accelerator gpu = _model.Accelerator;
        return EmbeddingNoise
            .Create(batch.Lengths, _model.Config.HiddenSize, _run.Settings.NeftuneAlpha, seed)
            .to(gpu.Kernels.Real)
            .ToDeviceAsync(gpu.Device);
    }

    private static T Fitting<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (ExternalException fault) when (DeviceMemory.RanOut(fault))
        {
            throw new TrainingException(
                $"The GPU's memory ran out: {fault.Message.Split('\n')[0]} Set training.activationCheckpointing to "
                    + "offload, or lower "
                    + "training.packTokens or training.batchSize."
            );
        }
    }

    private sealed class Numbers(HostCopy copy) : IStepNumbers
    {
        public (double Loss, double Norm) Read()
        {
            float[] numbers = copy.Read();
            return (numbers[0], numbers[1]);
        }

        public void Dispose() => copy.Dispose();
    }
}
