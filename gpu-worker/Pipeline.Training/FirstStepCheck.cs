using Pipeline.Model.Adapters;

namespace Pipeline.Training;

/// <summary>
/// After the first step with a learning rate above zero everything that is trained (of LoRA every B) has moved and the gradient norm is above zero: an adapter
/// that is not connected to the loss trains without any error, and learns nothing (microsoft/LoRA#120, peft#1142).
/// </summary>
internal sealed class FirstStepCheck(TrainableTensors trained)
{
    private bool _done;

    /// <summary>Checks, once.</summary>
    /// <exception cref="TrainingException">Something did not move; it is named.</exception>
    public void Require(int steps, double rate, double norm)
    {
        if (_done || rate <= 0)
        {
            return;
        }

        _done = true;
        string[] still = [.. trained.Unmoved()];
        if (norm <= 0 || still.Length > 0)
        {
            throw new TrainingException($"Step {steps} had the learning rate {rate} and the gradient norm {norm}, and {(still.Length == 0 ? "nothing" : string.Join(", ", still.Take(5)) + (still.Length > 5 ? $" and {still.Length - 5} more" : ""))} did not move: this run would learn nothing.");
        }
    }
}
