using Pipeline.Model.Adapters;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.Llama;
using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// An adapter's matrices as the products read them: rounded copies in one buffer, gradients in another, in the
/// adapter's own order.
/// </summary>
internal sealed class GpuAdapter : IDisposable
{
    private readonly Dictionary<int, LoraGroup> _groups = [];

    private GpuAdapter(Tensor values, double dropout, IEnumerable<AdaptedLayer> layers)
    {
        Copies = values.DetachFromDisposeScope();
        Gradients = zeros_like(Copies).DetachFromDisposeScope();
        long at = 0;
        foreach (IGrouping<int, AdaptedLayer> group in layers.GroupBy(l => l.Group))
        {
            (long first, long ranks) = (at, group.Sum(l => l.Rank));
            long width = group.First().In;
            at += ranks * width;
            List<LoraMember> members = [];
            long rank = 0;
            foreach (AdaptedLayer layer in group)
            {
                members.Add(
                    new LoraMember(
                        layer.Output,
                        layer.Out,
                        rank,
                        layer.Rank,
                        layer.Scale,
                        View(Copies, at, layer.Out, layer.Rank),
                        View(Gradients, at, layer.Out, layer.Rank)
                    )
                );
                rank += layer.Rank;
                at += layer.Out * layer.Rank;
            }

            _groups[group.Key] = new LoraGroup(
                group.Key,
                dropout,
                View(Copies, first, ranks, width),
                View(Gradients, first, ranks, width),
                members
            );
        }

        if (at != Copies.NumberOfElements)
        {
            throw new ArgumentException(
                $"The adapter's layers take {at} numbers, its buffer has {Copies.NumberOfElements}.",
                nameof(values)
            );
        }
    }

    /// <summary>For an adapter, in its own order.</summary>
    /// <param name="adapter">The adapter, without magnitudes.</param>
    /// <param name="projections">The model's linear layers.</param>
    /// <param name="real">The numbers of the copies.</param>
    /// <param name="device">Where they lie.</param>
    public static GpuAdapter From(
        LoraAdapter adapter,
        IReadOnlyList<Projection> projections,
        ScalarType real,
        Device device
    )
    {
        ArgumentNullException.ThrowIfNull(adapter);
        ArgumentNullException.ThrowIfNull(projections);
        using DisposeScope scope = NewDisposeScope();
        List<AdaptedLayer> layers = [];
        foreach (IGrouping<int, Projection> group in projections.GroupBy(p => LoraGroups.NumberOf(p.Path)))
        {
            long output = 0;
            foreach (Projection projection in group)
            {
                if (adapter.Pairs.TryGetValue(projection.Path, out LoraPair? pair))
                {
                    layers.Add(
                        new AdaptedLayer(group.Key, output, projection.Out, projection.In, pair.A.shape[0], pair.Scale)
                    );
                }

                output += projection.Out;
            }
        }

        return new GpuAdapter(adapter.Values.to(real).to(device, copy: true), adapter.Options.Dropout, layers);
    }

    /// <summary>Random matrices on every linear layer of a shape, made on the device: for benchmarks.</summary>
    public static GpuAdapter Random(
        LlamaConfig config,
        int rank,
        double scale,
        double dropout,
        ScalarType real,
        Device device
    )
    {
        ArgumentNullException.ThrowIfNull(config);
        using DisposeScope scope = NewDisposeScope();
        List<AdaptedLayer> layers = [];
        for (int layer = 0; layer < config.Layers; layer++)
        {
            foreach (
                IGrouping<int, (string Name, long Out, long In)> group in config.Shape.Linears.GroupBy(l =>
                    LoraGroups.NumberOf($"model.layers.{layer}.block.{l.Name}")
                )
            )
            {
                long output = 0;
                foreach ((_, long outputs, long inputs) in group)
                {
                    layers.Add(new AdaptedLayer(group.Key, output, outputs, inputs, rank, scale));
                    output += outputs;
                }
            }
        }

        return new GpuAdapter(
            empty(layers.Sum(l => l.Rank * (l.Out + l.In)), dtype: real, device: device).normal_(0, 0.01),
            dropout,
            layers
        );
    }

    /// <summary>All matrices, [n].</summary>
    public Tensor Copies { get; }

    /// <summary>Their gradients, [n].</summary>
    public Tensor Gradients { get; }

    /// <summary>Sums of the gradients of several micro-batches, float32 [n]; <c>null</c>: a step has one.</summary>
    public Tensor? Totals { get; private set; }

    /// <summary>
    /// Adds the gradients to the sums and clears them: in bfloat16 a small one would be lost beside a large sum.
    /// </summary>
    public void AddUp()
    {
        using IDisposable frozen = no_grad();
        Totals ??= zeros(Gradients.NumberOfElements, device: Gradients.device).DetachFromDisposeScope();
        Totals.add_(Gradients);
        Gradients.zero_();
    }

    /// <summary>The matrices of a group of linear layers; <c>null</c>: none is adapted.</summary>
    public LoraGroup? this[int group] => _groups.GetValueOrDefault(group);

    /// <summary>Whether a layer of the model is trained.</summary>
    public bool Adapts(int layer) =>
        Enumerable.Range(layer * LoraGroups.PerLayer, LoraGroups.PerLayer).Any(_groups.ContainsKey);

    public void Dispose()
    {
        foreach (LoraGroup group in _groups.Values)
        {
            group.A.Dispose();
            group.GradientA.Dispose();
            foreach (LoraMember member in group.Members)
            {
                member.B.Dispose();
                member.GradientB.Dispose();
            }
        }

        Copies.Dispose();
        Gradients.Dispose();
        Totals?.Dispose();
    }

    private static Tensor View(Tensor flat, long at, long rows, long columns)
    {
        using Tensor part = flat.narrow(0, at, rows * columns);
        return part.view(rows, columns).DetachFromDisposeScope();
    }
}

/// <summary>The matrices of linear layers that read the same input.</summary>
/// <param name="Number">The group's, among the model's: the seed of what it drops.</param>
/// <param name="Dropout">Probability.</param>
/// <param name="A">[ranks of all members, in].</param>
/// <param name="GradientA">The same shape.</param>
/// <param name="Members">The adapted layers.</param>
internal sealed record LoraGroup(
    int Number,
    double Dropout,
    Tensor A,
    Tensor GradientA,
    IReadOnlyList<LoraMember> Members
)
{
    /// <summary>Ranks of all members.</summary>
    public long Ranks => A.shape[0];
}

/// <summary>One adapted layer of a group.</summary>
/// <param name="Output">Where its outputs begin among the group's.</param>
/// <param name="Outputs">How many it has.</param>
/// <param name="Rank">Where its ranks begin among the group's.</param>
/// <param name="Ranks">How many it has.</param>
/// <param name="Scale">Of the update.</param>
/// <param name="B">[outputs, ranks].</param>
/// <param name="GradientB">The same shape.</param>
internal sealed record LoraMember(
    long Output,
    long Outputs,
    long Rank,
    long Ranks,
    double Scale,
    Tensor B,
    Tensor GradientB
);

/// <summary>Where a linear layer's matrices belong.</summary>
/// <param name="Group">The group's number.</param>
/// <param name="Output">Where the layer's outputs begin among the group's.</param>
/// <param name="Out">Outputs.</param>
/// <param name="In">Inputs.</param>
/// <param name="Rank">r.</param>
/// <param name="Scale">Of the update.</param>
internal readonly record struct AdaptedLayer(int Group, long Output, long Out, long In, long Rank, double Scale);
