using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Resuming;

/// <summary>The adapter as it was at the lowest validation loss so far.</summary>
public sealed class BestValues(TrainableTensors trained) : IDisposable
{
    /// <summary>Its numbers, float32 [n]; <c>null</c> before the first validation.</summary>
    public Tensor? Values { get; private set; }

    /// <summary>Its validation loss, nats a token.</summary>
    public double Loss { get; private set; } = double.PositiveInfinity;

    /// <summary>The step it is from.</summary>
    public int Step { get; private set; }

    /// <summary>Validations in a row since then.</summary>
    public int Worse { get; private set; }

    /// <summary>Takes the adapter as it is when its loss is the lowest.</summary>
    public void Offer(double loss, int step)
    {
        if (loss < Loss)
        {
            Set(trained.Values, loss, step, worse: 0);
        }
        else
        {
            Worse++;
        }
    }

    /// <summary>Sets what a checkpoint held.</summary>
    public void Set(Tensor values, double loss, int step, int worse)
    {
        ArgumentNullException.ThrowIfNull(values);
        using DisposeScope scope = NewDisposeScope();
        Values?.Dispose();
        Values = values.detach().clone().DetachFromDisposeScope();
        (Loss, Step, Worse) = (loss, step, worse);
    }

    /// <summary>Puts the numbers back into the adapter.</summary>
    public void Restore()
    {
        if (Values is not null)
        {
            using IDisposable frozen = no_grad();
            trained.Values.copy_(Values);
        }
    }

    public void Dispose() => Values?.Dispose();
}
