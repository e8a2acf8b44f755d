using Pipeline.Contracts;
using Pipeline.Model.Gpu;
using Pipeline.Model.Lora;
using Pipeline.Training.Resuming;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Optimization;

/// <summary>Adam with decoupled weight decay over what a run trains. The betas are 0.9 and 0.999, ε is 1e-8.</summary>
public abstract class Optimizer(TrainableTensors trained) : IResumable, IDisposable
{
    /// <summary>The one that the settings name.</summary>
    /// <param name="trained">What is trained.</param>
    /// <param name="settings">Optimizer and weight decay.</param>
    /// <param name="gpu">Where it lies on a GPU, that one.</param>
    public static Optimizer For(TrainableTensors trained, TrainingSettings settings, Accelerator? gpu = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Optimizer == OptimizerKind.AdamW8Bit
            ? new AdamW8Bit(trained, settings.WeightDecay, gpu)
            : new AdamW(trained, settings.WeightDecay);
    }

    /// <inheritdoc/>
    public int Steps { get; set; }

    /// <inheritdoc/>
    public abstract IReadOnlyList<(string Name, Tensor Value)> State { get; }

    /// <summary>What is trained.</summary>
    protected TrainableTensors Trained => trained;

    /// <summary>Scales the gradients down to a global norm. Source: torch <c>clip_grad_norm_</c>.</summary>
    /// <returns>The norm before.</returns>
    public double ClipGradients(double norm)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        double total = trained.Gradients.norm().item<float>();
        double factor = norm / (total + 1e-6);
        if (factor < 1)
        {
            trained.Gradients.mul_(factor);
        }

        return total;
    }

    /// <summary>Takes one step and clears the gradients.</summary>
    public void Step(double learningRate)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Steps++;
        Update(learningRate);
        trained.Gradients.zero_();
    }

    /// <summary>Gives the state back.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Changes values and state by the gradients; <see cref="Steps"/> counts this step already.</summary>
    protected abstract void Update(double learningRate);

    /// <summary>Disposes the state.</summary>
    protected abstract void Dispose(bool disposing);
}
