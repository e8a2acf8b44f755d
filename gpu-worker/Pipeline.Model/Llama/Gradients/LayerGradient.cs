using Pipeline.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// A decoder layer with its derivative written by hand: what is kept between the two is chosen here and not by autograd,
/// sums are made in place, and elementwise work is one pass over memory. Twin: <see cref="DecoderLayer.Forward"/> under autograd.
/// </summary>
internal sealed class LayerGradient : IDisposable
{
    private readonly DecoderLayer _layer;
    private readonly FlatContext _context;
    private readonly Dictionary<Projection, Tensor?> _low = [];
    private readonly List<IDisposable> _kept = [];
    private Tensor _input = null!;           // [tokens, hidden]
    private Tensor _attentionScales = null!; // [tokens]
    private Tensor _attentionInput = null!;  // [tokens, hidden]
    private AttentionGradient? _attention;
    private Tensor _attended = null!;        // [tokens, heads · head size]
    private Tensor _middle = null!;          // [tokens, hidden]
    private Tensor _middleScales = null!;    // [tokens]
    private Tensor _middleInput = null!;     // [tokens, hidden]
    private Tensor _gate = null!;            // [tokens, inner]
    private Tensor _up = null!;              // [tokens, inner]
    private Tensor _gated = null!;           // [tokens, inner]

    private LayerGradient(DecoderLayer layer, FlatContext context)
    {
        (_layer, _context) = (layer, context);
    }

    /// <summary>Applies the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="hidden">float32 [tokens, hidden]; must live as long as the result.</param>
    /// <param name="keep">Whether a derivative will be asked for.</param>
    /// <returns>float32 [tokens, hidden], and what the derivative needs.</returns>
    public static (Tensor Output, LayerGradient? Tape) Forward(DecoderLayer layer, FlatContext context, Tensor hidden, bool keep)
    {
        using DisposeScope scope = NewDisposeScope();
        var tape = new LayerGradient(layer, context);
        Tensor output = tape.Run(hidden, keep).MoveToOuterDisposeScope();
        if (keep)
        {
            tape.Keep();
            return (output, tape);
        }

        return (output, null);
    }

    /// <summary>Adds the derivatives by the adapter's matrices to their gradients.</summary>
    /// <param name="gradient">float32 [tokens, hidden]: derivative by the output; becomes the one by the input, when that is wanted.</param>
    /// <param name="inputWanted">Whether a layer below learns.</param>
    public void Backward(Tensor gradient, bool inputWanted)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor inner = empty_like(_gated);
        Back(_layer.Down, _gated, gradient, inner, overwrite: true);
        SwiGluKernel.Backward(_gate, _up, inner);
        Tensor normed = empty_like(_middle);
        Back(_layer.Gate, _middleInput, _gate, normed, overwrite: true);
        Back(_layer.Up, _middleInput, _up, normed, overwrite: false);
        RmsNormKernel.Backward(_middle, _layer.FeedForwardNorm.Weight, _middleScales, normed, gradient);

        Tensor attended = empty_like(_attended);
        Back(_layer.Output, _attended, gradient, attended, overwrite: true);
        Tensor[] projected = _attention!.Backward(attended, _context.HeadSize);
        RotaryKernel.Rotate(projected[0], _context.HeadSize, _context.Rows.Positions, _context.Cos, _context.Sin, backward: true);
        RotaryKernel.Rotate(projected[1], _context.HeadSize, _context.Rows.Positions, _context.Cos, _context.Sin, backward: true);
        Tensor? sum = inputWanted ? empty_like(_input) : null;
        Back(_layer.Query, _attentionInput, projected[0], sum, overwrite: true);
        Back(_layer.Key, _attentionInput, projected[1], sum, overwrite: false);
        Back(_layer.Value, _attentionInput, projected[2], sum, overwrite: false);
        if (sum is not null)
        {
            RmsNormKernel.Backward(_input, _layer.AttentionNorm.Weight, _attentionScales, sum, gradient);
        }
    }

    public void Dispose()
    {
        _attention?.Dispose();
        _kept.ForEach(k => k.Dispose());
    }

    private Tensor Run(Tensor hidden, bool keep)
    {
        _input = hidden;
        (_attentionInput, _attentionScales) = Norm(_layer.AttentionNorm, hidden);
        Tensor queries = Project(_layer.Query, _attentionInput);
        Tensor keys = Project(_layer.Key, _attentionInput);
        Tensor values = Project(_layer.Value, _attentionInput);
        RotaryKernel.Rotate(queries, _context.HeadSize, _context.Rows.Positions, _context.Cos, _context.Sin, backward: false);
        RotaryKernel.Rotate(keys, _context.HeadSize, _context.Rows.Positions, _context.Cos, _context.Sin, backward: false);
        (_attended, _attention) = AttentionGradient.Forward(_context.Rows, [queries, keys, values], _context.HeadSize, _context.MaskOf(_layer.Index), keep);
        _middle = ProjectOnto(_layer.Output, _attended, hidden);

        (_middleInput, _middleScales) = Norm(_layer.FeedForwardNorm, _middle);
        _gate = Project(_layer.Gate, _middleInput);
        _up = Project(_layer.Up, _middleInput);
        _gated = empty_like(_gate);
        SwiGluKernel.Forward(_gate, _up, _gated);
        return ProjectOnto(_layer.Down, _gated, _middle);
    }

    private void Keep()
    {
        foreach (Tensor tensor in _low.Values.OfType<Tensor>().Concat([_attentionScales, _attentionInput, _attended, _middle, _middleScales, _middleInput, _gate, _up, _gated]))
        {
            _kept.Add(tensor.DetachFromDisposeScope());
        }
    }

    private static (Tensor Output, Tensor Scales) Norm(RmsNorm norm, Tensor input)
    {
        Tensor output = empty_like(input);
        Tensor scales = empty(input.shape[0]);
        RmsNormKernel.Forward(input, norm.Weight, norm.Epsilon, output, scales);
        return (output, scales);
    }

    private Tensor Project(Projection projection, Tensor input)
    {
        (Tensor output, _low[projection]) = ProjectionGradient.Forward(projection, input, _context.DropoutSeed);
        return output;
    }

    private Tensor ProjectOnto(Projection projection, Tensor input, Tensor residual)
    {
        (Tensor output, _low[projection]) = ProjectionGradient.ForwardOnto(projection, input, residual, _context.DropoutSeed);
        return output;
    }

    private void Back(Projection projection, Tensor input, Tensor gradient, Tensor? sum, bool overwrite) =>
        ProjectionGradient.Backward(projection, input, _low[projection], gradient, sum, overwrite, _context.DropoutSeed);
}
