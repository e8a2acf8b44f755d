using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Adapters;

/// <summary>
/// LoRA on linear layers of the decoder. Tensors are named <c>{path}.lora_A.weight</c>, <c>{path}.lora_B.weight</c>,
/// with DoRA <c>{path}.lora_magnitude_vector.weight</c>.
/// </summary>
public sealed class LoraAdapter : TrainableTensors
{
    private readonly Dictionary<string, LoraPair> _pairs = new(StringComparer.Ordinal);

    private LoraAdapter(LoraOptions options, long count, Device device)
        : base(count, decayed: count, device)
    {
        Options = options;
    }

    public LoraOptions Options { get; }

    /// <summary>The matrices by module path, such as <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public IReadOnlyDictionary<string, LoraPair> Pairs => _pairs;

    /// <summary>
    /// Makes an adapter for a model: A uniform in ±1/sqrt(in) (peft's Kaiming uniform with a = sqrt(5)), B zero,
    /// magnitudes the norms of the weights' rows.
    /// </summary>
    /// <param name="model">Gives the linear layers.</param>
    /// <param name="options">Rank, alpha, dropout, targets.</param>
    /// <param name="seed">The same seed gives the same adapter.</param>
    /// <exception cref="ModelException">No linear layer of the model is targeted, or a target names none.</exception>
    public static LoraAdapter Create(LlamaModel model, LoraOptions options, int seed)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(options);
        using DisposeScope scope = NewDisposeScope();
        List<Projection> targets = Targets(model, options);
        RequireRanks(targets, options);
        long count = targets.Sum(t => (options.RankOf(t.Path) * (t.In + t.Out)) + (options.UseDora ? t.Out : 0));
        var adapter = new LoraAdapter(options, count, model.Device);
        using var generator = new Generator((ulong)seed);
        foreach (IGrouping<int, Projection> group in targets.GroupBy(t => LoraGroups.NumberOf(t.Path)))
        {
            Tensor[] downs =
            [
                .. group.Select(t => adapter.Take($"{t.Path}.lora_A.weight", options.RankOf(t.Path), t.In)),
            ];
            foreach ((Projection target, Tensor a) in group.Zip(downs))
            {
                Tensor b = adapter.Take($"{target.Path}.lora_B.weight", target.Out, options.RankOf(target.Path));
                Tensor? magnitude = options.UseDora
                    ? adapter.Take($"{target.Path}.lora_magnitude_vector.weight", target.Out)
                    : null;
                double bound = 1 / Math.Sqrt(target.In);
                var pair = new LoraPair(a, b, magnitude, options.ScaleOf(target.Path), options.Dropout, group.Key);
                using (no_grad())
                {
                    a.copy_(rand(a.shape, generator: generator).mul_(2 * bound).sub_(bound));
                    using DisposeScope weights = NewDisposeScope();
                    magnitude?.copy_(Projection.RowNorms(target.Weight.Values(), pair));
                }

                adapter._pairs.Add(target.Path, pair);
            }
        }

        return adapter;
    }

    /// <summary>Sets one matrix.</summary>
    /// <exception cref="ModelException">No such matrix, or another shape.</exception>
    public void Set(string name, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Tensor target =
            Tensors.FirstOrDefault(t => t.Name == name).Value
            ?? throw new ModelException($"The model has no place for the adapter's '{name}'.");
        using (Tensor sum = value.sum(ScalarType.Float32))
        {
            if (
                value.dtype is not (ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16)
                || !float.IsFinite(sum.ToSingle())
            )
            {
                throw new ModelException(
                    $"The adapter's '{name}' has the dtype {value.dtype}, which is not read, or holds infinity or NaN."
                );
            }
        }

        if (!target.shape.SequenceEqual(value.shape))
        {
            throw new ModelException(
                $"The adapter's '{name}' has the shape [{string.Join(", ", value.shape)}] where the model asks for "
                    + $"[{string.Join(", ", target.shape)}]."
            );
        }

        using (no_grad())
        {
            target.copy_(value);
        }
    }

    /// <summary>A rank above a layer's size adds nothing, and takes memory before anybody sees that.</summary>
    private static void RequireRanks(List<Projection> targets, LoraOptions options)
    {
        foreach (Projection target in targets)
        {
            (int rank, double scale) = (options.RankOf(target.Path), options.ScaleOf(target.Path));
            if (rank > Math.Min(target.In, target.Out))
            {
                throw new ModelException(
                    $"The adapter's rank of '{target.Path}' is {rank}; the layer is {target.Out} by {target.In}, so "
                        + $"{Math.Min(target.In, target.Out)} is the largest that means anything."
                );
            }

            if (!float.IsFinite((float)scale))
            {
                throw new ModelException($"The adapter's scale of '{target.Path}' is {scale}.");
            }
        }
    }

    /// <inheritdoc/>
    public override bool MovesAtOnce => true;

    /// <summary>B begins at zero: one that is zero has not moved.</summary>
    public override IEnumerable<string> Unmoved()
    {
        using DisposeScope scope = NewDisposeScope();
        return
        [
            .. Tensors
                .Where(t =>
                    t.Name.EndsWith(".lora_B.weight", StringComparison.Ordinal)
                    && t.Value.count_nonzero().item<long>() == 0
                )
                .Select(t => t.Name),
        ];
    }

    private static List<Projection> Targets(LlamaModel model, LoraOptions options)
    {
        string[] nowhere = options.TargetExpression is not null
            ? []
            :
            [
                .. options.Targets.Where(t =>
                    t != LoraOptions.AllLinear
                    && !model.Projections.Any(p => new LoraOptions(1, 1, 0) { Targets = [t] }.Adapts(p.Path))
                ),
            ];
        List<Projection> targets = [.. model.Projections.Where(p => options.Adapts(p.Path))];
        return nowhere.Length == 0 && targets.Count > 0
            ? targets
            : throw new ModelException(
                $"The adapter's targets {string.Join(", ", nowhere.Length > 0 ? nowhere : options.Targets)} name no "
                    + "linear layer of this model; it has "
                    + $"{string.Join(", ", model.Projections.Select(p => p.Path.Split('.')[^1]).Distinct())}."
            );
    }
}
