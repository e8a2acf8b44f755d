using Pipeline.Contracts;
using Pipeline.Model.Llama;
using Pipeline.Model.Llama.Gradients;
using Pipeline.Model.Lora;
using Pipeline.Training.Batching;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Objectives;

/// <summary>
/// Loss and gradients of one optimizer step. Each micro-batch is weighted by the supervised tokens of the whole step,
/// so that one of eight rows is eight of one. Plain LoRA goes by hand-written derivatives, everything else by autograd.
/// </summary>
public sealed class StepGradient : IDisposable
{
    private readonly LlamaModel _model;
    private readonly LlamaGradient? _gradient;
    private readonly double _noiseAlpha;

    /// <summary>For a model with its adapter attached.</summary>
    /// <param name="model">The model.</param>
    /// <param name="noiseAlpha">NEFTune's alpha; 0: no noise.</param>
    public StepGradient(LlamaModel model, double noiseAlpha = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _noiseAlpha) = (model, noiseAlpha);
        bool byHand = model.Device.type == DeviceType.CPU && LlamaGradient.Computes(model);
        _gradient = byHand
            ? new LlamaGradient(model, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / TrainingMemory.KeptShare)
            : null;
    }

    /// <summary>Whether the derivatives are hand-written ones.</summary>
    public bool ByHand => _gradient is not null;

    /// <summary>Adds up the gradients of a step.</summary>
    /// <param name="batches">The step's micro-batches.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops, another one for each micro-batch; <c>null</c>:
    /// nothing.</param>
    /// <returns>Mean nats per supervised token over the step.</returns>
    public double Accumulate(IReadOnlyList<IReadOnlyList<EncodedRow>> batches, uint? dropoutSeed)
    {
        ArgumentNullException.ThrowIfNull(batches);
        int supervised = batches.Sum(b => b.Sum(r => r.SupervisedTokens));
        double loss = 0;
        foreach ((int index, IReadOnlyList<EncodedRow> rows) in batches.Index())
        {
            using DisposeScope scope = NewDisposeScope();
            using MicroBatch batch = MicroBatch.From(rows);
            uint? seed = dropoutSeed is { } value ? CounterDropout.Derive(value, index) : null;
            if (_gradient is not null)
            {
                loss +=
                    _gradient.Accumulate(
                        batch.Rows,
                        batch.Predicting,
                        batch.Targets,
                        1.0 / supervised,
                        seed,
                        Noise(batch.Rows, seed)
                    ) / supervised;
                continue;
            }

            Tensor mean = CompletionLoss.Sum(_model, batch, seed, Noise(batch.Rows, seed)).div(supervised);
            mean.backward();
            loss += mean.item<float>();
        }

        return loss;
    }

    private Tensor? Noise(PackedRows rows, uint? seed) =>
        _noiseAlpha > 0 && seed is { } value
            ? EmbeddingNoise.Create(rows.Lengths, _model.Config.HiddenSize, _noiseAlpha, value)
            : null;

    /// <summary>The summed loss of rows, without gradients.</summary>
    public double Loss(IReadOnlyList<EncodedRow> rows)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using MicroBatch batch = MicroBatch.From(rows);
        return _gradient?.Loss(batch.Rows, batch.Predicting, batch.Targets)
            ?? CompletionLoss.Sum(_model, batch, dropoutSeed: null).item<float>();
    }

    public void Dispose() => _gradient?.Dispose();
}
