using Pipeline.Training.Batching;
using Pipeline.Training.Faults;
using Pipeline.Training.Resuming;
using static TorchSharp.torch;

namespace Pipeline.Training.Stepping;

/// <summary>What a run's steps are computed by: the CPU, plain torch, or a GPU's kernels.</summary>
internal abstract class StepEngine : IResumable, IDisposable
{
    /// <summary>What it is, for people.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Whether the host goes on while a step is computed: a step's numbers are then read when the next one is queued.
    /// </summary>
    public abstract bool RunsAhead { get; }

    /// <inheritdoc/>
    public abstract int Steps { get; set; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<(string Name, Tensor Value)> State { get; }

    /// <summary>Takes one optimizer step; a loss or norm that is not a number changes no value.</summary>
    /// <param name="batches">Its micro-batches.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops, another one for each micro-batch.</param>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="first">Looks at the gradients.</param>
    public abstract IStepNumbers Step(
        IReadOnlyList<IReadOnlyList<EncodedRow>> batches,
        uint dropoutSeed,
        double learningRate,
        FirstStepCheck first
    );

    /// <summary>The summed loss of rows, without gradients.</summary>
    public abstract double Loss(IReadOnlyList<EncodedRow> rows);

    /// <summary>Brings the values to what is trained, where others read them.</summary>
    public abstract void CopyToHost();

    /// <summary>Takes the values from what is trained, where they were set.</summary>
    public abstract void CopyToDevice();

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>The one for a run.</summary>
    /// <exception cref="TrainingException">The run does not fit into the GPU's memory; the message says what to
    /// change.</exception>
    public static StepEngine For(TrainingRun run, StepPlan plan) =>
        run.Accelerated is { } gpu ? AcceleratedEngine.For(run, plan, gpu) : new PlainEngine(run);
}

/// <summary>What a step came to.</summary>
internal interface IStepNumbers : IDisposable
{
    /// <summary>
    /// The mean loss, nats per supervised token, and the gradients' norm before clipping; waits until they are known.
    /// </summary>
    (double Loss, double Norm) Read();
}
