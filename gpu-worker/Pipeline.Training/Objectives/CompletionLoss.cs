using Pipeline.Model.Llama;
using Pipeline.Training.Batching;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Objectives;

/// <summary>Next-token cross-entropy on the answers' tokens alone, by plain torch over padded rows: the definition that the faster form is held against.</summary>
public static class CompletionLoss
{
    /// <summary>The summed loss of a micro-batch.</summary>
    /// <param name="model">With its adapter.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing.</param>
    /// <returns>float32 scalar, nats, summed over supervised tokens.</returns>
    public static Tensor Sum(LlamaModel model, MicroBatch batch, uint? dropoutSeed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = model.Forward(batch.Rows.PaddedIds(), dropoutSeed);                                               // [rows, longest, hidden]
        Tensor predicting = hidden.reshape(-1, hidden.shape[2]).index_select(0, batch.Rows.SlotsOf(batch.Predicting));    // [supervised, hidden]
        return nn.functional.cross_entropy(model.Logits(predicting), tensor(batch.Targets.ToArray()), reduction: nn.Reduction.Sum).MoveToOuterDisposeScope();
    }
}
