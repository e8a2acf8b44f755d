using Pipeline.Model.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training;

/// <summary>
/// After the first step with a learning rate above zero every B has moved and the gradient norm is above zero: an adapter
/// that is not connected to the loss trains without any error, and learns nothing (microsoft/LoRA#120, peft#1142).
/// </summary>
internal sealed class FirstStepCheck(LoraAdapter adapter)
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
        using DisposeScope scope = NewDisposeScope();
        // B begins at zero, so one that is zero after a step has not moved.
        string[] still = [.. adapter.Tensors.Where(t => t.Name.EndsWith(".lora_B.weight", StringComparison.Ordinal) && t.Value.count_nonzero().item<long>() == 0).Select(t => t.Name)];
        if (norm <= 0 || still.Length > 0)
        {
            throw new TrainingException($"Step {steps} had the learning rate {rate} and the gradient norm {norm}, and {(still.Length == 0 ? "nothing" : string.Join(", ", still.Take(5)) + (still.Length > 5 ? $" and {still.Length - 5} more" : ""))} did not move: this adapter would learn nothing.");
        }
    }
}
