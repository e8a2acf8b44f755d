using Pipeline.Model.Adapters;
using Pipeline.Model.Llama;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>An adapter's matrices as the products read them: rounded copies in one buffer, gradients in another, in the adapter's own order.</summary>
internal sealed class GpuAdapter : IDisposable
{
    private readonly Dictionary<int, LoraGroup> _groups = [];

    /// <summary>For an adapter.</summary>
    /// <param name="adapter">The adapter, without magnitudes.</param>
    /// <param name="projections">The model's linear layers.</param>
    /// <param name="real">The numbers of the copies.</param>
    /// <param name="device">Where they lie.</param>
    public GpuAdapter(LoraAdapter adapter, IReadOnlyList<Projection> projections, ScalarType real, Device device)
    {
        ArgumentNullException.ThrowIfNull(adapter);
        Copies = adapter.Values.to(real).to(device, copy: true).DetachFromDisposeScope();
        Gradients = zeros_like(Copies).DetachFromDisposeScope();
        var places = new Dictionary<string, long>(StringComparer.Ordinal);
        long at = 0;
        foreach ((string name, Tensor value) in adapter.Tensors)
        {
            places[name] = at;
            at += value.NumberOfElements;
        }

        foreach (IGrouping<int, Projection> group in projections.GroupBy(p => LoraGroups.Of(p.Path)))
        {
            List<LoraMember> members = [];
            (long first, long ranks, long output) = (-1, 0, 0);
            foreach (Projection projection in group)
            {
                if (adapter.Pairs.TryGetValue(projection.Path, out LoraPair? pair))
                {
                    long rank = pair.A.shape[0], b = places[$"{projection.Path}.lora_B.weight"];
                    first = first < 0 ? places[$"{projection.Path}.lora_A.weight"] : first;
                    members.Add(new LoraMember(output, projection.Out, ranks, rank, pair.Scale, View(Copies, b, projection.Out, rank), View(Gradients, b, projection.Out, rank)));
                    ranks += rank;
                }

                output += projection.Out;
            }

            if (members.Count > 0)
            {
                long width = group.First().In;
                _groups[group.Key] = new LoraGroup(group.Key, adapter.Options.Dropout, View(Copies, first, ranks, width), View(Gradients, first, ranks, width), members);
            }
        }
    }

    /// <summary>All matrices, [n].</summary>
    public Tensor Copies { get; }

    /// <summary>Their gradients, [n].</summary>
    public Tensor Gradients { get; }

    /// <summary>The matrices of a group of linear layers; <c>null</c>: none is adapted.</summary>
    public LoraGroup? this[int group] => _groups.GetValueOrDefault(group);

    /// <summary>Whether a layer of the model learns.</summary>
    public bool Adapts(int layer) => Enumerable.Range(layer * LoraGroups.PerLayer, LoraGroups.PerLayer).Any(_groups.ContainsKey);

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
internal sealed record LoraGroup(int Number, double Dropout, Tensor A, Tensor GradientA, IReadOnlyList<LoraMember> Members)
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
internal sealed record LoraMember(long Output, long Outputs, long Rank, long Ranks, double Scale, Tensor B, Tensor GradientB);
