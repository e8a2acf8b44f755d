using Pipeline.Model.Llama;
using Pipeline.Training.Batching;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Objectives;

/// <summary>
/// Next-token cross-entropy on the answers' tokens alone, by plain torch over padded rows: the definition that the
/// faster form is compared with.
/// </summary>
public static class CompletionLoss
{
    /// <summary>The summed loss of a micro-batch.</summary>
    /// <param name="model">With its adapter.</param>
    /// <param name="batch">The rows.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops; <c>null</c>: nothing.</param>
    /// <param name="noise">float32 [tokens, hidden] added to the embeddings (NEFTune); <c>null</c>: none.</param>
    /// <returns>float32 scalar on the model's device, nats, summed over supervised tokens.</returns>
    public static Tensor Sum(LlamaModel model, MicroBatch batch, uint? dropoutSeed, Tensor? noise = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        using DisposeScope scope = NewDisposeScope();
        Tensor? padded = noise is null ? null : batch.Rows.SideBySide(noise).to(model.Device);
        Tensor hidden = model.Forward(batch.Rows.PaddedIds(), dropoutSeed, padded); // [rows, longest, hidden]
        Tensor predicting = hidden.reshape(-1, hidden.shape[2])[
            TensorIndex.Tensor(batch.Rows.SlotsOf(batch.Predicting).to(model.Device))
        ]; // [supervised, hidden]
        Tensor targets = tensor(batch.Targets.ToArray(), device: model.Device);
        return nn
            .functional.cross_entropy(model.Logits(predicting), targets, reduction: nn.Reduction.Sum)
            .MoveToOuterDisposeScope();
    }
}
