using Pipeline.Contracts;
using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Quantization;

namespace Pipeline.Model.Gpu;

/// <summary>
/// A base on a GPU, computed by the kernels; it is evaluated and trained there, its host copy stays as it was loaded.
/// </summary>
internal sealed class AcceleratedModel : IDisposable
{
    private readonly LlamaModel _host;
    private readonly GpuModel _model;
    private GpuCausalModel? _forInference;

    /// <summary>Copies a base to the device.</summary>
    /// <param name="host">The base; not owned.</param>
    /// <param name="accelerator">The device; not owned.</param>
    public AcceleratedModel(LlamaModel host, Accelerator accelerator)
    {
        ArgumentNullException.ThrowIfNull(accelerator);
        (_host, Accelerator) = (host, accelerator);
        _model = GpuModel.From(host, accelerator.Kernels.Real, accelerator.Device);
    }

    /// <summary>The device.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>Why a base is not computed by the kernels; <c>null</c>: it is.</summary>
    public static string? Refusal(LlamaModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        bool Odd(Nf4Weight weight) => weight.Count % 8 != 0;
        return GpuModel.Refusal(model.Config)
            ?? (
                model.Projections.Select(p => p.Weight.Quantized).OfType<Nf4Weight>().Any(Odd)
                    ? "a matrix in NF4 has an odd number of values"
                    : null
            );
    }

    /// <summary>
    /// The base, or the base with an adapter as its values are now, for inference; good until the next call.
    /// </summary>
    /// <exception cref="ModelException">The adapter has magnitudes (DoRA).</exception>
    public ICausalModel ForInference(LoraAdapter? adapter)
    {
        _forInference?.Dispose();
        _forInference = null;
        _model.Embedding.RestoreToDevice();
        return _forInference = new GpuCausalModel(
            _model,
            adapter is null ? null : Copy(adapter),
            Accelerator.Kernels,
            Accelerator.FreeBytes - _model.Bytes
        );
    }

    /// <summary>An adapter's matrices on the device.</summary>
    public GpuAdapter Copy(LoraAdapter adapter)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        return adapter.Options.UseDora
            ? throw new ModelException("An adapter with magnitudes (DoRA) is not computed by the kernels.")
            : GpuAdapter.From(adapter, _host.Projections, Accelerator.Kernels.Real, Accelerator.Device);
    }

    /// <summary>Loss and gradients with an adapter on the device.</summary>
    /// <param name="adapter">On the device; not owned.</param>
    /// <param name="memory">What is saved for the backward pass.</param>
    /// <param name="mostTokens">Tokens of the largest batch to come.</param>
    public GpuGradient Gradient(GpuAdapter adapter, ActivationCheckpointing memory, long mostTokens)
    {
        _forInference?.Dispose(); // its buffer and adapter make room
        _forInference = null;
        return new GpuGradient(_model, adapter, Accelerator.Kernels, memory, mostTokens: mostTokens);
    }

    /// <summary>Bytes of the base on the device.</summary>
    public long Bytes => _model.Bytes;

    /// <summary>The base's shape.</summary>
    public LlamaConfig Config => _model.Config;

    public void Dispose()
    {
        _forInference?.Dispose();
        _model.Dispose();
    }
}
