using Pipeline.Model.Lora;
using Pipeline.Training.Faults;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Stepping;

/// <summary>
/// At the first step with a learning rate above zero the gradient norm is above zero, and everything that is trained
/// moves: of LoRA every B has moved after it, of whole weights each has a gradient before it. An adapter that is not
/// connected to the loss trains without any error, and learns nothing (microsoft/LoRA#120, peft#1142).
/// </summary>
internal sealed class FirstStepCheck(TrainableTensors trained)
{
    private bool _done;
    private string[] _withoutGradient = [];

    /// <summary>Whether a step with a learning rate was checked.</summary>
    public bool IsDone => _done;

    /// <summary>Looks at the gradients before a step clears them.</summary>
    public void Before(double rate)
    {
        if (_done || rate <= 0 || trained.MovesAtOnce)
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        _withoutGradient =
        [
            .. trained
                .Tensors.Where(t => t.Value.grad is not { } gradient || gradient.count_nonzero().item<long>() == 0)
                .Select(t => t.Name),
        ];
    }

    /// <summary>Checks, once, after a step.</summary>
    /// <exception cref="TrainingException">Something did not move; it is named.</exception>
    public void Require(int steps, double rate, double norm)
    {
        if (_done || rate <= 0)
        {
            return;
        }

        _done = true;
        string[] still = trained.MovesAtOnce ? [.. trained.Unmoved()] : _withoutGradient;
        if (norm <= 0 || still.Length > 0)
        {
            string more = still.Length > 5 ? $" and {still.Length - 5} more" : "";
            string unmoved = still.Length == 0 ? "nothing" : string.Join(", ", still.Take(5)) + more;
            throw new TrainingException(
                $"Step {steps} had the learning rate {rate} and the gradient norm {norm}, and {unmoved} did not move: "
                    + "this run would learn nothing."
            );
        }
    }
}
