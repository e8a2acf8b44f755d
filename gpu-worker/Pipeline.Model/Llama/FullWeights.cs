using System.Globalization;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama;

/// <summary>
/// Every weight of a model, to be trained as a whole. Weight decay leaves out norms and biases, as transformers does
/// (<c>Trainer.get_decay_parameter_names</c>); tied embeddings are one tensor.
/// </summary>
public sealed class FullWeights : TrainableTensors
{
    private readonly string _directory;

    private FullWeights(string directory, long count, long decayed, Device device)
        : base(count, decayed, device)
    {
        _directory = directory;
    }

    /// <summary>Moves a model's weights into one buffer, on which the model computes from then on.</summary>
    /// <param name="model">Held in float32.</param>
    /// <param name="directory">Where it was read from: what has moved is told by it.</param>
    /// <param name="optimizerBytes">What the optimizer, and an adapter kept as the best, hold beside each
    /// weight.</param>
    /// <param name="memory">Memory that training may take where the model lies; <c>null</c>: this machine's.</param>
    /// <exception cref="ModelException">The model is held in NF4, or there is too little memory.</exception>
    public static FullWeights From(LlamaModel model, string directory, int optimizerBytes = 8, long? memory = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        if (model.Projections.Any(p => p.Weight.Quantized is not null))
        {
            throw new ModelException(
                "A base held in NF4 cannot be trained as a whole: training.method full needs one in float32, "
                    + "float16 or bfloat16."
            );
        }

        List<(string Name, Tensor Value)> held =
        [
            .. model.OtherTensors(),
            .. model.Projections.Select(p => (p.Path + ".weight", p.Weight.Values())),
        ];
        RequireMemory(
            held.Sum(t => t.Value.NumberOfElements),
            optimizerBytes,
            memory ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            memory is null ? "this machine" : "the GPU"
        );
        held = [.. held.OrderBy(t => Decays(t.Value) ? 0 : 1)];
        var weights = new FullWeights(
            directory,
            held.Sum(t => t.Value.NumberOfElements),
            held.Where(t => Decays(t.Value)).Sum(t => t.Value.NumberOfElements),
            model.Device
        );
        Dictionary<string, Tensor> places = held.ToDictionary(
            t => t.Name,
            t => weights.Take(t.Name, t.Value.shape),
            StringComparer.Ordinal
        );
        model.Replace(
            (name, value) =>
            {
                using (no_grad())
                {
                    places[name].copy_(value);
                }

                return places[name];
            }
        );
        return weights;
    }

    private static void RequireMemory(long count, int optimizerBytes, long available, string place)
    {
        int needed = 12 + optimizerBytes; // bytes a weight: the weight, where it came from, its gradient, and those
        const double Gibi = 1L << 30;
        if (count * needed > available)
        {
            throw new ModelException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Training all {count:N0} weights takes {count * needed / Gibi:0.0} GiB and more; {place} has "
                        + $"{available / Gibi:0.0}. Use training.optimizer adamw8bit, training.method qlora or lora, or a "
                        + $"smaller base."
                )
            );
        }
    }

    /// <inheritdoc/>
    public override bool MovesAtOnce => false;

    /// <summary>Tensors that still equal the checkpoint's.</summary>
    public override IEnumerable<string> Unmoved()
    {
        using CheckpointReader checkpoint = CheckpointReader.Open(_directory);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        bool Equals((string Name, Tensor Value) held)
        {
            using DisposeScope one = NewDisposeScope();
            return checkpoint.Read(held.Name, held.Value.shape).equal(held.Value.cpu()).all().item<bool>();
        }

        return [.. Tensors.Where(Equals).Select(t => t.Name)];
    }

    /// <summary>Matrices do, norms and biases do not.</summary>
    private static bool Decays(Tensor value) => value.dim() > 1;
}
