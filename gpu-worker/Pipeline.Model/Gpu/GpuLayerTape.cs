using Pipeline.Model.Lora;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>
/// A decoder layer on the device with its derivative written by hand: of elementwise work nothing is kept that its
/// kernel can make again, weights are made for each product, the stream's sums are made in the norms. Definition:
/// <c>DecoderLayer.Forward</c> under autograd.
/// </summary>
internal sealed class GpuLayerTape : IDisposable
{
    private readonly GpuLayer _layer;
    private readonly GpuContext _context;
    private readonly List<Tensor> _saved = [];
    private Tensor _input = null!; // [tokens, hidden]; the caller's
    private Tensor? _normed; // [tokens, hidden], as the adapter sees it, where norms are kept
    private Tensor _scales = null!; // float32 [tokens]
    private Tensor? _attentionXA; // [tokens, ranks]
    private Tensor _attended = null!; // [tokens, heads · head size]
    private Tensor? _outputXA;
    private Tensor _middle = null!; // [tokens, hidden]: the stream after attention
    private Tensor? _middleNormed;
    private Tensor _middleScales = null!;
    private Tensor _gateUp = null!; // [tokens, 2 · inner]
    private Tensor? _gateUpXA;
    private Tensor? _downXA;
    private PackedAttentionTape? _attention;

    private GpuLayerTape(GpuLayer layer, GpuContext context) => (_layer, _context) = (layer, context);

    /// <summary>Applies the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="input">[tokens, hidden]; must stay as it is until the backward pass.</param>
    /// <param name="keep">Whether a backward pass follows.</param>
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
            Tensor droppedInput = tape.SwiGluOutput();
            context.Kernels.SwiGlu(
                tape._gateUp,
                mask is null ? droppedInput : null,
                mask is null ? null : droppedInput,
                mask ?? default
            );
            tape._downXA = GpuLoraGradient.LoraDown(down, droppedInput);
        }

        tape.Keep();
        return tape;
    }

    /// <summary>Adds the derivatives by the adapter's matrices to their gradients.</summary>
    /// <param name="gradient">[tokens, hidden]: derivative by the output; becomes the one by the input, when that is
    /// wanted.</param>
    /// <param name="inputWanted">Whether a layer below is trained.</param>
    public void Backward(Tensor gradient, bool inputWanted)
    {
        using DisposeScope scope = NewDisposeScope();
        BackThroughFeedForward(gradient);
        BackThroughAttention(gradient, inputWanted);
    }

    /// <summary>Down, gates, gate and up, and their norm.</summary>
    private void BackThroughFeedForward(Tensor gradient)
    {
        GpuLoraGradient groups = _context.Groups;
        (LoraGroup? down, LoraGroup? gateUp) = (Lora(3), Lora(2));
        (Tensor? inner, Tensor? dxLora, Tensor? dyB) = groups.Backward(_layer.Down, down, _downXA, gradient);
        // gate and up are derivatives now, inner is what down's matrices saw
        _context.Kernels.SwiGluBackward(_gateUp, inner!, dxLora, groups.Mask(down) ?? default);
        GpuLoraGradient.AccumulateA(down, dyB, () => inner!);
        Free(inner, dxLora); // each part's numbers make room for the next one's
        (Tensor? normed, dxLora, dyB) = groups.Backward(_layer.GateUp, gateUp, _gateUpXA, _gateUp);
        GpuLoraGradient.AccumulateA(
            gateUp,
            dyB,
            () => _middleNormed ?? DroppedNorm(gateUp, _middle, _layer.FeedForwardNorm)
        );
        _context.Kernels.RmsNormBackward(
            new SavedNorm(_middle, _layer.FeedForwardNorm, _middleScales),
            normed!,
            gradient,
            gradient,
            dxLora,
            groups.Mask(gateUp) ?? default
        );
        Free(normed, dxLora);
    }

    /// <summary>The output's product, attention, queries, keys and values, and their norm.</summary>
    private void BackThroughAttention(Tensor gradient, bool inputWanted)
    {
        GpuLoraGradient groups = _context.Groups;
        (LoraGroup? output, LoraGroup? attention) = (Lora(1), Lora(0));
        (Tensor? attended, Tensor? dxLora, Tensor? dyB) = groups.Backward(_layer.Output, output, _outputXA, gradient);
        if (dxLora is not null)
        {
            _context.Kernels.Dropout(dxLora, attended!, groups.Mask(output)!.Value, onto: true);
        }

        GpuLoraGradient.AccumulateA(output, dyB, () => groups.DroppedInput(output, _attended));
        Tensor projected = _attention!.Backward(attended!);
        Free(attended, dxLora);
        _context.ApplyRotary(projected, backward: true);
        (Tensor? normed, dxLora, dyB) = groups.Backward(
            _layer.Attention,
            attention,
            _attentionXA,
            projected,
            inputWanted
        );
        GpuLoraGradient.AccumulateA(
            attention,
            dyB,
            () => _normed ?? DroppedNorm(attention, _input, _layer.AttentionNorm)
        );
        if (inputWanted)
        {
            _context.Kernels.RmsNormBackward(
                new SavedNorm(_input, _layer.AttentionNorm, _scales),
                normed!,
                gradient,
                gradient,
                dxLora,
                groups.Mask(attention) ?? default
            );
        }
    }

    public void Dispose()
    {
        _saved.ForEach(t => t.Dispose());
        _attention?.Dispose();
    }

    private Tensor Run(bool keep)
    {
        UpToGates(keep);
        GpuLoraGradient groups = _context.Groups;
        DropMask? mask = groups.Mask(Lora(3));
        (Tensor gated, Tensor? droppedInput) = (SwiGluOutput(), mask is null ? null : SwiGluOutput());
        _context.Kernels.SwiGlu(_gateUp, gated, droppedInput, mask ?? default);
        (Tensor output, _downXA) = groups.Forward(_layer.Down, Lora(3), gated, droppedInput ?? gated);
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
        _saved.AddRange(
            (
                (Tensor?[])
                    [
                        _scales,
                        _attentionXA,
                        _attended,
                        _outputXA,
                        _middle,
                        _middleScales,
                        _gateUp,
                        _gateUpXA,
                        _downXA,
                        _normed,
                        _middleNormed,
                    ]
            ).OfType<Tensor>()
        );
        _saved.ForEach(t => t.DetachFromDisposeScope());
    }

    private void UpToGates(bool keep)
    {
        GpuLoraGradient groups = _context.Groups;
        _scales = Scales();
        (Tensor projected, _attentionXA, _normed) = Normed(
            _layer.Attention,
            Lora(0),
            _input,
            _layer.AttentionNorm,
            _scales,
            added: null
        );
        _context.ApplyRotary(projected, backward: false);
        (_attended, _attention) = _context.Attention.Attend(_layer.Index, projected, keep);

        (_middle, _outputXA) = groups.Forward(
            _layer.Output,
            Lora(1),
            _attended,
            groups.DroppedInput(Lora(1), _attended)
        );
        _middleScales = Scales();
        (_gateUp, _gateUpXA, _middleNormed) = Normed(
            _layer.GateUp,
            Lora(2),
            _input,
            _layer.FeedForwardNorm,
            _middleScales,
            added: _middle
        );
    }

    /// <summary>A norm and what reads it; of a sum, which takes the place of what is added.</summary>
    /// <returns>What the layers gave, <c>m∘x Aᵀ</c> of their adapters, and the input that these had, where norms are
    /// kept.</returns>
    private (Tensor Output, Tensor? XA, Tensor? DroppedInput) Normed(
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
        var fusion = new NormFusion(added, Sum: added, dropped, mask ?? default);
        _context.Kernels.RmsNorm(input, weight, _layer.Epsilon, normed, scales, fusion);
        (Tensor output, Tensor? xA) = _context.Groups.Forward(frozen, lora, normed, dropped ?? normed);
        return (
            output.MoveToOuterDisposeScope(),
            xA?.MoveToOuterDisposeScope(),
            _context.KeepsNorms ? (dropped ?? normed).MoveToOuterDisposeScope() : null
        );
    }

    private Tensor SwiGluOutput() =>
        empty(_gateUp.shape[0], _gateUp.shape[1] / 2, dtype: _gateUp.dtype, device: _gateUp.device);

    private LoraGroup? Lora(int group) => _context.Adapter?[(_layer.Index * LoraGroups.PerLayer) + group];

    private Tensor Scales() => empty(_input.shape[0], device: _input.device);

    /// <summary>A norm once more, as an adapter's matrices see it.</summary>
    private Tensor DroppedNorm(LoraGroup? lora, Tensor input, Tensor weight)
    {
        DropMask? mask = _context.Groups.Mask(lora);
        Tensor droppedInput = empty_like(input);
        _context.Kernels.RmsNorm(
            input,
            weight,
            _layer.Epsilon,
            mask is null ? droppedInput : null,
            Scales(),
            new NormFusion(Dropped: mask is null ? null : droppedInput, Mask: mask ?? default)
        );
        return droppedInput;
    }
}
