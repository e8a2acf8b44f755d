using Pipeline.Model.Adapters;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// A decoder layer on the device with its derivative written by hand: of elementwise work nothing is kept that its
/// kernel can make again, weights are made for each product, the stream's sums are made in the norms. Twin:
/// <c>DecoderLayer.Forward</c> under autograd.
/// </summary>
internal sealed class GpuLayerTape : IDisposable
{
    private readonly GpuLayer _layer;
    private readonly GpuContext _context;
    private readonly List<Tensor> _kept = [];
    private Tensor _input = null!; // [tokens, hidden]; the caller's
    private Tensor? _normed; // [tokens, hidden], as the adapter sees it, where norms are kept
    private Tensor _scales = null!; // float32 [tokens]
    private Tensor? _attentionLow; // [tokens, ranks]
    private Tensor _attended = null!; // [tokens, heads · head size]
    private Tensor? _outputLow;
    private Tensor _middle = null!; // [tokens, hidden]: the stream behind attention
    private Tensor? _middleNormed;
    private Tensor _middleScales = null!;
    private Tensor _gateUp = null!; // [tokens, 2 · inner]
    private Tensor? _gateUpLow;
    private Tensor? _downLow;
    private PackedAttentionTape? _attention;

    private GpuLayerTape(GpuLayer layer, GpuContext context) => (_layer, _context) = (layer, context);

    /// <summary>Applies the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="input">[tokens, hidden]; must stay as it is until the derivative was asked for.</param>
    /// <param name="keep">Whether a derivative will be asked for.</param>
    /// <returns>[tokens, hidden], the caller's, and what the derivative needs; <c>null</c> when none will be asked
    /// for.</returns>
    public static (Tensor Output, GpuLayerTape? Tape) Forward(
        GpuLayer layer,
        GpuContext context,
        Tensor input,
        bool keep
    )
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
    /// <param name="input">What <see cref="Forward"/> got; must stay as it is until the derivative was asked
    /// for.</param>
    public static GpuLayerTape Again(GpuLayer layer, GpuContext context, Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        var tape = new GpuLayerTape(layer, context) { _input = input };
        tape.UpToGates(keep: true);
        if (tape.Lora(3) is { } down)
        {
            DropMask? mask = context.Groups.Mask(down);
            Tensor seen = tape.Gates();
            context.Kernels.SwiGlu(
                tape._gateUp,
                mask is null ? seen : null,
                mask is null ? null : seen,
                mask ?? default
            );
            tape._downLow = GroupGradient.Low(down, seen);
        }

        tape.Keep();
        return tape;
    }

    /// <summary>Adds the derivatives by the adapter's matrices to their gradients.</summary>
    /// <param name="gradient">[tokens, hidden]: derivative by the output; becomes the one by the input, when that is
    /// wanted.</param>
    /// <param name="inputWanted">Whether a layer below learns.</param>
    public void Backward(Tensor gradient, bool inputWanted)
    {
        using DisposeScope scope = NewDisposeScope();
        GroupGradient groups = _context.Groups;
        (LoraGroup? down, LoraGroup? gateUp, LoraGroup? output, LoraGroup? attention) = (
            Lora(3),
            Lora(2),
            Lora(1),
            Lora(0)
        );

        (Tensor? inner, Tensor? across, Tensor? slope) = groups.Backward(_layer.Down, down, _downLow, gradient);
        // gate and up are derivatives now, inner is what down's matrices saw
        _context.Kernels.SwiGluBackward(_gateUp, inner!, across, groups.Mask(down) ?? default);
        GroupGradient.Learn(down, slope, () => inner!);
        Free(inner, across); // each part's numbers make room for the next one's
        (Tensor? normed, across, slope) = groups.Backward(_layer.GateUp, gateUp, _gateUpLow, _gateUp);
        GroupGradient.Learn(gateUp, slope, () => _middleNormed ?? SeenNorm(gateUp, _middle, _layer.FeedForwardNorm));
        _context.Kernels.RmsNormBackward(
            _middle,
            _layer.FeedForwardNorm,
            _middleScales,
            normed!,
            gradient,
            gradient,
            across,
            groups.Mask(gateUp) ?? default
        );
        Free(normed, across);

        (Tensor? attended, across, slope) = groups.Backward(_layer.Output, output, _outputLow, gradient);
        if (across is not null)
        {
            _context.Kernels.Dropout(across, attended!, groups.Mask(output)!.Value, onto: true);
        }

        GroupGradient.Learn(output, slope, () => groups.Seen(output, _attended));
        Tensor projected = _attention!.Backward(attended!);
        Free(attended, across);
        _context.Turn(projected, backward: true);
        (normed, across, slope) = groups.Backward(_layer.Attention, attention, _attentionLow, projected, inputWanted);
        GroupGradient.Learn(attention, slope, () => _normed ?? SeenNorm(attention, _input, _layer.AttentionNorm));
        if (inputWanted)
        {
            _context.Kernels.RmsNormBackward(
                _input,
                _layer.AttentionNorm,
                _scales,
                normed!,
                gradient,
                gradient,
                across,
                groups.Mask(attention) ?? default
            );
        }
    }

    public void Dispose()
    {
        _kept.ForEach(t => t.Dispose());
        _attention?.Dispose();
    }

    private Tensor Run(bool keep)
    {
        UpToGates(keep);
        GroupGradient groups = _context.Groups;
        DropMask? mask = groups.Mask(Lora(3));
        (Tensor gated, Tensor? seen) = (Gates(), mask is null ? null : Gates());
        _context.Kernels.SwiGlu(_gateUp, gated, seen, mask ?? default);
        (Tensor output, _downLow) = groups.Forward(_layer.Down, Lora(3), gated, seen ?? gated);
        return output.add_(_middle);
    }

    private static void Free(params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (Tensor? tensor in tensors)
        {
            tensor?.Dispose();
        }
    }

    private void Keep()
    {
        _kept.AddRange(
            (
                (Tensor?[])
                    [
                        _scales,
                        _attentionLow,
                        _attended,
                        _outputLow,
                        _middle,
                        _middleScales,
                        _gateUp,
                        _gateUpLow,
                        _downLow,
                        _normed,
                        _middleNormed,
                    ]
            ).OfType<Tensor>()
        );
        _kept.ForEach(t => t.DetachFromDisposeScope());
    }

    private void UpToGates(bool keep)
    {
        GroupGradient groups = _context.Groups;
        _scales = Scales();
        (Tensor projected, _attentionLow, _normed) = Normed(
            _layer.Attention,
            Lora(0),
            _input,
            _layer.AttentionNorm,
            _scales,
            added: null
        );
        _context.Turn(projected, backward: false);
        (_attended, _attention) = _context.Attention.Attend(_layer.Index, projected, keep);

        (_middle, _outputLow) = groups.Forward(_layer.Output, Lora(1), _attended, groups.Seen(Lora(1), _attended));
        _middleScales = Scales();
        (_gateUp, _gateUpLow, _middleNormed) = Normed(
            _layer.GateUp,
            Lora(2),
            _input,
            _layer.FeedForwardNorm,
            _middleScales,
            added: _middle
        );
    }

    /// <summary>A norm and what reads it; of a sum, which takes the place of what is added.</summary>
    /// <returns>What the layers gave, what their matrices gave between, and the norm as these saw it, where norms are
    /// kept.</returns>
    private (Tensor Output, Tensor? Low, Tensor? Seen) Normed(
        FrozenGroup frozen,
        LoraGroup? lora,
        Tensor input,
        Tensor weight,
        Tensor scales,
        Tensor? added
    )
    {
        using DisposeScope scope = NewDisposeScope();
        DropMask? mask = _context.Groups.Mask(lora);
        (Tensor normed, Tensor? dropped) = (empty_like(input), mask is null ? null : empty_like(input));
        _context.Kernels.RmsNorm(input, weight, _layer.Epsilon, normed, scales, added, added, dropped, mask ?? default);
        (Tensor output, Tensor? low) = _context.Groups.Forward(frozen, lora, normed, dropped ?? normed);
        return (
            output.MoveToOuterDisposeScope(),
            low?.MoveToOuterDisposeScope(),
            _context.KeepsNorms ? (dropped ?? normed).MoveToOuterDisposeScope() : null
        );
    }

    private Tensor Gates() =>
        empty(_gateUp.shape[0], _gateUp.shape[1] / 2, dtype: _gateUp.dtype, device: _gateUp.device);

    private LoraGroup? Lora(int group) => _context.Adapter?[(_layer.Index * LoraGroups.PerLayer) + group];

    private Tensor Scales() => empty(_input.shape[0], device: _input.device);

    /// <summary>A norm once more, as an adapter's matrices see it.</summary>
    private Tensor SeenNorm(LoraGroup? lora, Tensor input, Tensor weight)
    {
        DropMask? mask = _context.Groups.Mask(lora);
        Tensor seen = empty_like(input);
        _context.Kernels.RmsNorm(
            input,
            weight,
            _layer.Epsilon,
            mask is null ? seen : null,
            Scales(),
            dropped: mask is null ? null : seen,
            mask: mask ?? default
        );
        return seen;
    }
}
