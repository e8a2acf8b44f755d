using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Training.Stepping;

namespace Pipeline.Worker.Jobs;

/// <summary>
/// A base where it is asked and trained: on the CPU, on a GPU by its kernels, or on a GPU by plain torch where the
/// kernels do not take it.
/// </summary>
internal sealed class PlacedModel : IDisposable
{
    private readonly Accelerator? _gpu;
    private readonly AcceleratedModel? _accelerated;

    private PlacedModel(LlamaModel model, Accelerator? gpu, string? plain)
    {
        (Model, _gpu, WhyPlain) = (model, gpu, gpu is null ? null : plain ?? AcceleratedModel.Refusal(model));
        if (gpu is not null && WhyPlain is null)
        {
            _accelerated = new AcceleratedModel(model, gpu);
        }
        else if (gpu is not null)
        {
            model.MoveTo(gpu.Device);
        }
    }

    /// <summary>
    /// The base: what adapters are made for, read and written with. Lies on the CPU where the kernels have a copy of
    /// it.
    /// </summary>
    public LlamaModel Model { get; }

    /// <summary>Why a GPU computes it by plain torch; <c>null</c>: it does not.</summary>
    public string? WhyPlain { get; }

    /// <summary>Whether a GPU's kernels compute it.</summary>
    public bool ComputesByKernels => _accelerated is not null;

    /// <summary>Memory that this process may take where it is trained; <c>null</c>: the machine's.</summary>
    public long? Memory => _gpu?.FreeBytes;

    /// <summary>Reads a base and puts it where it is computed.</summary>
    /// <param name="directory">Its folder.</param>
    /// <param name="storage">How its linear layers are held.</param>
    /// <param name="gpu">The GPU; <c>null</c>: the CPU computes.</param>
    /// <param name="plain">Why the kernels shall not compute it; <c>null</c>: they may.</param>
    /// <exception cref="Pipeline.Model.ModelException">The folder holds no model that is computed here.</exception>
    public static PlacedModel Load(string directory, WeightStorage storage, Accelerator? gpu, string? plain = null)
    {
        LlamaModel model = LlamaModel.Load(directory, storage, gpu?.Device);
        try
        {
            return new PlacedModel(model, gpu, plain);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Why the kernels do not train this way; <c>null</c>: they do.</summary>
    public static string? PlainFor(TrainingSettings training)
    {
        ArgumentNullException.ThrowIfNull(training);
        return training.Method == TrainingMethod.Full ? "training.method full learns every weight"
            : training.Dora ? "training.dora learns magnitudes"
            : null;
    }

    /// <summary>
    /// The base, or the base with an adapter as its values are now, to be asked; good until the next call.
    /// </summary>
    /// <param name="adapter">The adapter; <c>null</c>: the base alone.</param>
    /// <param name="folded">Whether the update may be added to a copy of each weight, where that is the faster
    /// way.</param>
    public ICausalModel ForInference(LoraAdapter? adapter, bool folded = true)
    {
        if (_accelerated is not null)
        {
            return _accelerated.ForInference(adapter);
        }

        Model.Attach(adapter?.Pairs, folded);
        return Model;
    }

    /// <summary>A run on this base.</summary>
    /// <param name="run">What is trained on what; an adapter is attached here.</param>
    public TrainingRun Placed(TrainingRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        if (_accelerated is null && run.Trained is LoraAdapter adapter)
        {
            Model.Attach(adapter.Pairs);
        }

        return run with
        {
            Accelerated = _accelerated,
            Gpu = _accelerated is null ? _gpu : null,
        };
    }

    public void Dispose()
    {
        _accelerated?.Dispose();
        Model.Dispose();
    }
}
