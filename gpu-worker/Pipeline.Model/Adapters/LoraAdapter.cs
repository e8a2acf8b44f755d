using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Adapters;

/// <summary>
/// LoRA on every linear layer of the decoder. All matrices are views into one flat buffer, and their gradients into
/// another, so that the optimizer, clipping and checkpoints are a handful of calls whatever the number of layers.
/// </summary>
public sealed class LoraAdapter : IDisposable
{
    private readonly Dictionary<string, LoraPair> _pairs = new(StringComparer.Ordinal);
    private readonly List<(string Name, Tensor Value)> _tensors = [];

    private LoraAdapter(LoraOptions options, Tensor values, Tensor gradients)
    {
        (Options, Values, Gradients) = (options, values, gradients);
    }

    public LoraOptions Options { get; }

    /// <summary>All trainable numbers, float32 [n].</summary>
    public Tensor Values { get; }

    /// <summary>Their gradients, float32 [n].</summary>
    public Tensor Gradients { get; }

    /// <summary>The matrices by module path, such as <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public IReadOnlyDictionary<string, LoraPair> Pairs => _pairs;

    /// <summary>Makes an adapter for a model: A uniform in ±1/sqrt(in) (peft's Kaiming uniform with a = sqrt(5)), B zero.</summary>
    /// <param name="targets">Module path, input and output size of each linear layer.</param>
    /// <param name="options">Rank, alpha, dropout.</param>
    /// <param name="seed">The same seed gives the same adapter.</param>
    public static LoraAdapter Create(IReadOnlyList<(string Path, long In, long Out)> targets, LoraOptions options, int seed)
    {
        ArgumentNullException.ThrowIfNull(targets);
        ArgumentNullException.ThrowIfNull(options);
        using DisposeScope scope = NewDisposeScope();
        long count = targets.Sum(t => options.Rank * (t.In + t.Out));
        var adapter = new LoraAdapter(options, zeros(count).DetachFromDisposeScope(), zeros(count).DetachFromDisposeScope());
        using var generator = new Generator((ulong)seed);
        long offset = 0;
        foreach ((string path, long inputs, long outputs) in targets)
        {
            Tensor a = adapter.Take($"{path}.lora_A.weight", ref offset, options.Rank, inputs);
            Tensor b = adapter.Take($"{path}.lora_B.weight", ref offset, outputs, options.Rank);
            double bound = 1 / Math.Sqrt(inputs);
            using (no_grad())
            {
                a.copy_(rand(a.shape, generator: generator).mul_(2 * bound).sub_(bound));
            }

            adapter._pairs.Add(path, new LoraPair(a, b, options.Scale, options.Dropout, adapter._pairs.Count));
        }

        return adapter;
    }

    /// <summary>The matrices under their names within the model, in order: <c>{path}.lora_A.weight</c>, <c>{path}.lora_B.weight</c>.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Tensors => _tensors;

    /// <summary>Sets one matrix.</summary>
    /// <exception cref="ModelException">No such matrix, or another shape.</exception>
    public void Set(string name, Tensor value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Tensor target = _tensors.Find(t => t.Name == name).Value ?? throw new ModelException($"The model has no place for the adapter's '{name}'.");
        if (!target.shape.SequenceEqual(value.shape))
        {
            throw new ModelException($"The adapter's '{name}' has the shape [{string.Join(", ", value.shape)}] where the model asks for [{string.Join(", ", target.shape)}].");
        }

        using (no_grad())
        {
            target.copy_(value);
        }
    }

    public void Dispose()
    {
        foreach ((_, Tensor value) in _tensors)
        {
            value.Dispose();
        }

        Values.Dispose();
        Gradients.Dispose();
    }

    private Tensor Take(string name, ref long offset, long rows, long columns)
    {
        Tensor view = Values.narrow(0, offset, rows * columns).view(rows, columns).detach().requires_grad_().DetachFromDisposeScope();
        view.grad = Gradients.narrow(0, offset, rows * columns).view(rows, columns);
        offset += rows * columns;
        _tensors.Add((name, view));
        return view;
    }
}
