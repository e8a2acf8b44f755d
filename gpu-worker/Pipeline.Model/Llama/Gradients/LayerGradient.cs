using Pipeline.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// A decoder layer with its derivative written by hand: what is kept between the two is chosen here and not by
/// autograd, sums are made in place, and all but attention is done for some hundred tokens after the other, so that
/// what one product writes is still in the cache when the next reads it. Twin: <see cref="DecoderLayer.Forward"/> under
/// autograd.
/// </summary>
internal sealed class LayerGradient : IDisposable
{
    private readonly DecoderLayer _layer;
    private readonly FlatContext _context;
    private readonly ProjectionGradient _projections;
    private readonly int _place; // whose buffers: the layer's own while they are kept, else those of all layers
    private readonly Tensor _input;
    private AttentionGradient? _attention;

    private LayerGradient(DecoderLayer layer, FlatContext context, Tensor input, int place)
    {
        (_layer, _context, _input, _place) = (layer, context, input, place);
        _projections = new ProjectionGradient(context.Workspace, context.DropoutSeed);
    }

    /// <summary>Applies the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="input">float32 [tokens, hidden]; must stay as it is until the derivative was asked for.</param>
    /// <param name="output">Gets the result, float32 [tokens, hidden].</param>
    /// <param name="keep">Whether a derivative will be asked for.</param>
    /// <param name="ownBuffers">Whether other layers are applied before that.</param>
    /// <returns>What the derivative needs; <c>null</c> when none will be asked for.</returns>
    public static LayerGradient? Forward(
        DecoderLayer layer,
        FlatContext context,
        Tensor input,
        Tensor output,
        bool keep,
        bool ownBuffers
    )
    {
        using DisposeScope scope = NewDisposeScope();
        var tape = new LayerGradient(layer, context, input, ownBuffers ? layer.Index : -1);
        tape.Attend(keep);
        tape.FeedForward(output);
        return keep ? tape : null;
    }

    /// <summary>Adds the derivatives by the adapter's matrices to their gradients.</summary>
    /// <param name="gradient">float32 [tokens, hidden]: derivative by the output; becomes the one by the input, when
    /// that is wanted.</param>
    /// <param name="inputWanted">Whether a layer below learns.</param>
    public void Backward(Tensor gradient, bool inputWanted)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor attended = Buffer("attended.gradient", _context.QueryWidth, place: -1);
        BackThroughFeedForward(gradient, attended);
        Tensor[] projected = _attention!.Backward(attended, _context.HeadSize);
        BackThroughProjections(projected, gradient, inputWanted);
    }

    public void Dispose() => _attention?.Dispose();

    private void Attend(bool keep)
    {
        Tensor normed = Buffer("attention.input", _context.Hidden);
        Tensor scales = Buffer("attention.scales", 1);
        Tensor queries = Buffer("queries", _context.QueryWidth);
        Tensor keys = Buffer("keys", _context.KeyWidth);
        Tensor values = Buffer("values", _context.KeyWidth);
        (Projection Projection, Tensor Weight, Tensor Output, Tensor? Low)[] parts =
        [
            (_layer.Query, _layer.Query.Weight.Values(), queries, XABuffer(_layer.Query)),
            (_layer.Key, _layer.Key.Weight.Values(), keys, XABuffer(_layer.Key)),
            (_layer.Value, _layer.Value.Weight.Values(), values, XABuffer(_layer.Value)),
        ];
        foreach ((int start, int count) in _context.Chunks())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor Part(Tensor whole) => whole.narrow(0, start, count);
            Tensor chunk = Part(normed);
            RmsNormKernel.Forward(
                Part(_input),
                _layer.AttentionNorm.Weight,
                _layer.AttentionNorm.Epsilon,
                chunk,
                Part(scales)
            );
            foreach ((Projection projection, Tensor weight, Tensor output, Tensor? xA) in parts)
            {
                _projections.Forward(
                    projection,
                    weight,
                    chunk,
                    Part(output),
                    onto: false,
                    xA is null ? null : Part(xA),
                    start
                );
            }

            ApplyRotary(Part(queries), start, count, backward: false);
            ApplyRotary(Part(keys), start, count, backward: false);
        }

        (Tensor attended, _attention) = AttentionGradient.Forward(
            _context.Rows,
            [queries, keys, values],
            _context.HeadSize,
            _context.MaskOf(_layer.Index),
            keep
        );
        Buffer("attended", _context.QueryWidth).copy_(attended);
    }

    private void FeedForward(Tensor output)
    {
        (Tensor attended, Tensor middle, Tensor normed, Tensor scales, Tensor gate, Tensor up, Tensor gated) =
            FeedForwardBuffers();
        (Tensor outputWeight, Tensor gateWeight, Tensor upWeight, Tensor downWeight) = FeedForwardWeights();
        (Tensor? outputLow, Tensor? gateLow, Tensor? upLow, Tensor? downLow) = FeedForwardLows();
        foreach ((int start, int count) in _context.Chunks())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor Part(Tensor whole) => whole.narrow(0, start, count);
            Tensor? PartOf(Tensor? whole) => whole?.narrow(0, start, count);
            Tensor chunk = Part(middle).copy_(Part(_input));
            _projections.Forward(
                _layer.Output,
                outputWeight,
                Part(attended),
                chunk,
                onto: true,
                PartOf(outputLow),
                start
            );
            RmsNormKernel.Forward(
                chunk,
                _layer.FeedForwardNorm.Weight,
                _layer.FeedForwardNorm.Epsilon,
                Part(normed),
                Part(scales)
            );
            _projections.Forward(
                _layer.Gate,
                gateWeight,
                Part(normed),
                Part(gate),
                onto: false,
                PartOf(gateLow),
                start
            );
            _projections.Forward(_layer.Up, upWeight, Part(normed), Part(up), onto: false, PartOf(upLow), start);
            SwiGluKernel.Forward(Part(gate), Part(up), Part(gated));
            _projections.Forward(
                _layer.Down,
                downWeight,
                Part(gated),
                Part(output).copy_(chunk),
                onto: true,
                PartOf(downLow),
                start
            );
        }
    }

    /// <summary>
    /// What the second half of the layer keeps: written in the forward pass, read in the backward pass.
    /// </summary>
    private (
        Tensor Attended,
        Tensor Middle,
        Tensor Normed,
        Tensor Scales,
        Tensor Gate,
        Tensor Up,
        Tensor Gated
    ) FeedForwardBuffers() =>
        (
            Buffer("attended", _context.QueryWidth),
            Buffer("middle", _context.Hidden),
            Buffer("middle.input", _context.Hidden),
            Buffer("middle.scales", 1),
            Buffer("gate", _context.Inner),
            Buffer("up", _context.Inner),
            Buffer("gated", _context.Inner)
        );

    private (Tensor Output, Tensor Gate, Tensor Up, Tensor Down) FeedForwardWeights() =>
        (
            _layer.Output.Weight.Values(),
            _layer.Gate.Weight.Values(),
            _layer.Up.Weight.Values(),
            _layer.Down.Weight.Values()
        );

    private (Tensor? Output, Tensor? Gate, Tensor? Up, Tensor? Down) FeedForwardLows() =>
        (XABuffer(_layer.Output), XABuffer(_layer.Gate), XABuffer(_layer.Up), XABuffer(_layer.Down));

    private void BackThroughFeedForward(Tensor gradient, Tensor attendedGradient)
    {
        (Tensor attended, Tensor middle, Tensor normed, Tensor scales, Tensor gate, Tensor up, Tensor gated) =
            FeedForwardBuffers();
        (Tensor outputWeight, Tensor gateWeight, Tensor upWeight, Tensor downWeight) = FeedForwardWeights();
        (Tensor? outputLow, Tensor? gateLow, Tensor? upLow, Tensor? downLow) = FeedForwardLows();
        foreach ((int start, int count) in _context.Chunks())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor Part(Tensor whole) => whole.narrow(0, start, count);
            Tensor? PartOf(Tensor? whole) => whole?.narrow(0, start, count);
            Tensor dOutput = Part(gradient);
            Tensor inner = _context.Workspace.Take("inner.gradient", -1, count, _context.Inner);
            _projections.Backward(
                _layer.Down,
                downWeight,
                Part(gated),
                PartOf(downLow),
                dOutput,
                inner,
                overwrite: true,
                start
            );
            SwiGluKernel.Backward(Part(gate), Part(up), inner);
            Tensor sum = _context.Workspace.Take("normed.gradient", -1, count, _context.Hidden);
            _projections.Backward(
                _layer.Gate,
                gateWeight,
                Part(normed),
                PartOf(gateLow),
                Part(gate),
                sum,
                overwrite: true,
                start
            );
            _projections.Backward(
                _layer.Up,
                upWeight,
                Part(normed),
                PartOf(upLow),
                Part(up),
                sum,
                overwrite: false,
                start
            );
            RmsNormKernel.Backward(Part(middle), _layer.FeedForwardNorm.Weight, Part(scales), sum, dOutput);
            _projections.Backward(
                _layer.Output,
                outputWeight,
                Part(attended),
                PartOf(outputLow),
                dOutput,
                Part(attendedGradient),
                overwrite: true,
                start
            );
        }
    }

    private void BackThroughProjections(Tensor[] projected, Tensor gradient, bool inputWanted)
    {
        Tensor normed = Buffer("attention.input", _context.Hidden);
        Tensor scales = Buffer("attention.scales", 1);
        Projection[] projections = [_layer.Query, _layer.Key, _layer.Value];
        Tensor[] weights = [.. projections.Select(p => p.Weight.Values())];
        Tensor?[] xA = [.. projections.Select(XABuffer)];
        foreach ((int start, int count) in _context.Chunks())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor Part(Tensor whole) => whole.narrow(0, start, count);
            ApplyRotary(Part(projected[0]), start, count, backward: true);
            ApplyRotary(Part(projected[1]), start, count, backward: true);
            Tensor? sum = inputWanted ? _context.Workspace.Take("normed.gradient", -1, count, _context.Hidden) : null;
            for (int i = 0; i < projections.Length; i++)
            {
                _projections.Backward(
                    projections[i],
                    weights[i],
                    Part(normed),
                    xA[i] is { } l ? Part(l) : null,
                    Part(projected[i]),
                    sum,
                    overwrite: i == 0,
                    start
                );
            }

            if (sum is not null)
            {
                RmsNormKernel.Backward(Part(_input), _layer.AttentionNorm.Weight, Part(scales), sum, Part(gradient));
            }
        }
    }

    private void ApplyRotary(Tensor heads, int start, int count, bool backward) =>
        RotaryKernel.Rotate(
            heads,
            _context.HeadSize,
            _context.Rows.Positions.AsMemory(start, count),
            _context.Cos,
            _context.Sin,
            backward
        );

    private Tensor Buffer(string name, long columns, int? place = null) =>
        _context.Workspace.Take(name, place ?? _place, _context.Rows.Count, columns);

    private Tensor? XABuffer(Projection projection) =>
        projection.Lora is { } lora ? Buffer(projection.Path, lora.A.shape[0]) : null;
}
