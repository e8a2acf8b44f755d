using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Optimization;

/// <summary>Adam with decoupled weight decay over what a run trains. The betas are 0.9 and 0.999, ε is 1e-8.</summary>
public abstract class Optimizer(TrainableTensors trained) : IDisposable
{
    /// <summary>The one that the settings name.</summary>
    public static Optimizer For(TrainableTensors trained, TrainingSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Optimizer == TrainingSettings.AdamW8Bit ? new AdamW8Bit(trained, settings.WeightDecay) : new AdamW(trained, settings.WeightDecay);
    }

    /// <summary>Steps done.</summary>
    public int Steps { get; set; }

    /// <summary>What must be kept to go on from here, under the names that it has in a checkpoint; the step count apart.</summary>
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
