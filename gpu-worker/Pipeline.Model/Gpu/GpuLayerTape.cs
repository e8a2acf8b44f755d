using Pipeline.Model.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// A decoder layer on the device with its derivative written by hand: of elementwise work nothing is kept that its kernel can
/// make again, weights are made for each product, the stream's sums are made in the norms. Twin: <c>DecoderLayer.Forward</c> under autograd.
/// </summary>
internal sealed class GpuLayerTape : IDisposable
{
    private readonly GpuLayer _layer;
    private readonly GpuContext _context;
    private readonly List<Tensor> _kept = [];
    private Tensor _input = null!;            // [tokens, hidden]; the caller's
    private Tensor? _normed;                  // [tokens, hidden], where norms are kept
    private Tensor _scales = null!;           // float32 [tokens]
    private Tensor? _attentionLow;            // [tokens, ranks]
    private Tensor _attended = null!;         // [tokens, heads · head size]
    private Tensor? _outputLow;
    private Tensor _middle = null!;           // [tokens, hidden]: the stream behind attention
    private Tensor? _middleNormed;
    private Tensor _middleScales = null!;
    private Tensor _gateUp = null!;           // [tokens, 2 · inner]
    private Tensor? _gateUpLow;
    private Tensor? _downLow;
    private PackedAttentionTape? _attention;

    private GpuLayerTape(GpuLayer layer, GpuContext context) => (_layer, _context) = (layer, context);

    /// <summary>Applies the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="input">[tokens, hidden]; must stay as it is until the derivative was asked for.</param>
    /// <param name="keep">Whether a derivative will be asked for.</param>
    /// <returns>[tokens, hidden], the caller's, and what the derivative needs; <c>null</c> when none will be asked for.</returns>
    public static (Tensor Output, GpuLayerTape? Tape) Forward(GpuLayer layer, GpuContext context, Tensor input, bool keep)
    {
        using DisposeScope scope = NewDisposeScope();
        var tape = new GpuLayerTape(layer, context) { _input = input };
        Tensor output = tape.Run(keep).DetachFromDisposeScope();
        if (!keep)
        {
            return (output, null);
        }

        tape.Keep();
        return (output, tape);
    }

    /// <summary>Applies the layer again for its derivative alone; its output is not made.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="input">What <see cref="Forward"/> got; must stay as it is until the derivative was asked for.</param>
    public static GpuLayerTape Again(GpuLayer layer, GpuContext context, Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        var tape = new GpuLayerTape(layer, context) { _input = input };
        Tensor gated = tape.UpToGates(keep: true);
        tape._downLow = context.Groups.Low(tape.Lora(3), gated);
        tape.Keep();
        return tape;
    }

    /// <summary>Adds the derivatives by the adapter's matrices to their gradients.</summary>
    /// <param name="gradient">[tokens, hidden]: derivative by the output; becomes the one by the input, when that is wanted.</param>
    /// <param name="inputWanted">Whether a layer below learns.</param>
    public void Backward(Tensor gradient, bool inputWanted)
    {
        using DisposeScope scope = NewDisposeScope();
        GroupGradient groups = _context.Groups;
        (LoraGroup? down, LoraGroup? gateUp, LoraGroup? output, LoraGroup? attention) = (Lora(3), Lora(2), Lora(1), Lora(0));

        (Tensor? inner, Tensor? slope) = groups.Backward(_layer.Down, down, _downLow, gradient);
        _context.Kernels.SwiGluBackward(_gateUp, inner!);                   // gate and up are derivatives now, inner is what down read
        groups.Learn(down, slope, inner!);
        (Tensor? normed, slope) = groups.Backward(_layer.GateUp, gateUp, _gateUpLow, _gateUp);
        groups.Learn(gateUp, slope, _middleNormed ?? Norm(_middle, _layer.FeedForwardNorm));
        _context.Kernels.RmsNormBackward(_middle, _layer.FeedForwardNorm, _middleScales, normed!, gradient, gradient);

        (Tensor? attended, slope) = groups.Backward(_layer.Output, output, _outputLow, gradient);
        groups.Learn(output, slope, _attended);
        Tensor projected = _attention!.Backward(attended!);
        _context.Turn(projected, backward: true);
        (normed, slope) = groups.Backward(_layer.Attention, attention, _attentionLow, projected, inputWanted);
        groups.Learn(attention, slope, _normed ?? Norm(_input, _layer.AttentionNorm));
        if (inputWanted)
        {
            _context.Kernels.RmsNormBackward(_input, _layer.AttentionNorm, _scales, normed!, gradient, gradient);
        }
    }

    public void Dispose()
    {
        _kept.ForEach(t => t.Dispose());
        _attention?.Dispose();
    }

    private Tensor Run(bool keep)
    {
        Tensor gated = UpToGates(keep);
        (Tensor output, _downLow) = _context.Groups.Forward(_layer.Down, Lora(3), gated);
        return output.add_(_middle);
    }

    private void Keep()
    {
        _kept.AddRange(((Tensor?[])[_scales, _attentionLow, _attended, _outputLow, _middle, _middleScales, _gateUp, _gateUpLow, _downLow, _normed, _middleNormed]).OfType<Tensor>());
        _kept.ForEach(t => t.DetachFromDisposeScope());
    }

    private Tensor UpToGates(bool keep)
    {
        GroupGradient groups = _context.Groups;
        (Tensor normed, _scales) = (empty_like(_input), Scales());
        _context.Kernels.RmsNorm(_input, _layer.AttentionNorm, _layer.Epsilon, normed, _scales);
        (Tensor projected, _attentionLow) = groups.Forward(_layer.Attention, Lora(0), normed);
        _normed = Kept(normed);
        _context.Turn(projected, backward: false);
        (_attended, _attention) = _context.Attention.Attend(_layer.Index, projected, keep);

        (_middle, _outputLow) = groups.Forward(_layer.Output, Lora(1), _attended);
        (normed, _middleScales) = (empty_like(_input), Scales());
        _context.Kernels.RmsNorm(_input, _layer.FeedForwardNorm, _layer.Epsilon, normed, _middleScales, added: _middle, sum: _middle);
        (_gateUp, _gateUpLow) = groups.Forward(_layer.GateUp, Lora(2), normed);
        _middleNormed = Kept(normed);
        Tensor gated = empty(_gateUp.shape[0], _gateUp.shape[1] / 2, dtype: _gateUp.dtype, device: _gateUp.device);
        _context.Kernels.SwiGlu(_gateUp, gated);
        return gated;
    }

    private LoraGroup? Lora(int group) => _context.Adapter?[(_layer.Index * LoraGroups.PerLayer) + group];

    private Tensor Scales() => empty(_input.shape[0], device: _input.device);

    private Tensor? Kept(Tensor normed) => _context.KeepsNorms ? normed : null;

    private Tensor Norm(Tensor input, Tensor weight)
    {
        Tensor normed = empty_like(input);
        _context.Kernels.RmsNorm(input, weight, _layer.Epsilon, normed, Scales());
        return normed;
    }
}
