using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using Pipeline.Model.Llama.Gradients;
using Pipeline.Training.Batching;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Training.Objectives;

/// <summary>
/// Loss and gradients of one optimizer step. Each micro-batch is weighted by the supervised tokens of the whole step, so
/// that one of eight rows is eight of one. Plain LoRA goes by hand-written derivatives, everything else by autograd.
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
        (_model, _noiseAlpha) = (model, noiseAlpha);
        bool byHand = LlamaGradient.Computes(model);
        if (noiseAlpha > 0 && !byHand)
        {
            throw new TrainingException("training.neftuneAlpha is not computed together with training.dora; leave one of them out.");
        }

        _gradient = byHand ? new LlamaGradient(model, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / TrainingMemory.KeptShare) : null;
    }

    /// <summary>Adds up the gradients of a step.</summary>
    /// <param name="batches">The step's micro-batches.</param>
    /// <param name="dropoutSeed">Seed of what the adapter drops, another one for each micro-batch; <c>null</c>: nothing.</param>
    /// <returns>Mean nats a supervised token over the step.</returns>
    public double Accumulate(IReadOnlyList<IReadOnlyList<EncodedRow>> batches, uint? dropoutSeed)
    {
        ArgumentNullException.ThrowIfNull(batches);
        int supervised = batches.Sum(b => b.Sum(r => r.SupervisedTokens));
        double loss = 0;
        foreach ((int index, IReadOnlyList<EncodedRow> rows) in batches.Index())
        {
            using DisposeScope scope = NewDisposeScope();
            using MicroBatch batch = MicroBatch.Of(rows);
            uint? seed = dropoutSeed is { } value ? CounterDropout.Derive(value, index) : null;
            if (_gradient is not null)
            {
                loss += _gradient.Accumulate(batch.Rows, batch.Predicting, batch.Targets, 1.0 / supervised, seed, Noise(batch.Rows, seed)) / supervised;
                continue;
            }

            Tensor mean = CompletionLoss.Sum(_model, batch, seed).div(supervised);
            mean.backward();
            loss += mean.item<float>();
        }

        return loss;
    }

    /// <summary>
    /// NEFTune's noise: uniform in ±alpha / sqrt(L · hidden), L being the tokens of each token's row. Source: Jain et al.
    /// 2023, algorithm 1; transformers <c>trainer_utils.py</c> (neftune_post_forward_hook).
    /// </summary>
    private Tensor? Noise(PackedRows rows, uint? seed)
    {
        if (_noiseAlpha <= 0 || seed is not { } value)
        {
            return null;
        }

        using DisposeScope scope = NewDisposeScope();
        long hidden = _model.Config.HiddenSize;
        using var generator = new Generator(value);
        float[] sizes = [.. rows.Lengths.SelectMany(l => Enumerable.Repeat((float)(_noiseAlpha / Math.Sqrt((double)l * hidden)), l))];
        return rand([rows.Count, hidden], generator: generator).mul_(2).sub_(1).mul_(tensor(sizes).unsqueeze(1)).MoveToOuterDisposeScope();
    }

    /// <summary>The summed loss of rows, without gradients.</summary>
    public double Loss(IReadOnlyList<EncodedRow> rows)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using MicroBatch batch = MicroBatch.Of(rows);
        return _gradient?.Loss(batch.Rows, batch.Predicting, batch.Targets) ?? CompletionLoss.Sum(_model, batch, dropoutSeed: null).item<float>();
    }

    public void Dispose() => _gradient?.Dispose();
}
