using Pipeline.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>
/// A decoder layer with its derivative written by hand: the saved activations are chosen here and not by autograd, sums
/// are made in place, and all but attention is done for some hundred tokens after the other, so that what one product
/// writes is still in the cache when the next reads it. Definition: <see cref="DecoderLayer.Forward"/> under autograd.
/// </summary>
internal sealed class LayerGradient : IDisposable
{
    private readonly DecoderLayer _layer;
    private readonly FlatContext _context;
    private readonly LoraLinearGradient _projections;
    private readonly int _place; // whose buffers: the layer's own while they are kept, else those of all layers
    private readonly Tensor _input;
    private AttentionGradient? _attention;

    private LayerGradient(DecoderLayer layer, FlatContext context, Tensor input, int place)
    {
        (_layer, _context, _input, _place) = (layer, context, input, place);
        _projections = new LoraLinearGradient(context.Workspace, context.DropoutSeed);
    }

    /// <summary>Applies the layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="context">What the layers share.</param>
    /// <param name="input">float32 [tokens, hidden]; must stay as it is until the backward pass.</param>
    /// <param name="output">Gets the result, float32 [tokens, hidden].</param>
    /// <param name="keep">Whether a backward pass follows.</param>
    /// <param name="ownBuffers">Whether other layers are applied before that.</param>
    /// <returns>What the derivative needs; <c>null</c> when no backward pass follows.</returns>
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
    /// <param name="inputWanted">Whether a layer below is trained.</param>
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
        (ProjectionPart Whole, Tensor Output)[] projections =
        [
            (new(_layer.Query, _layer.Query.Weight.Values(), XABuffer(_layer.Query)), queries),
            (new(_layer.Key, _layer.Key.Weight.Values(), XABuffer(_layer.Key)), keys),
            (new(_layer.Value, _layer.Value.Weight.Values(), XABuffer(_layer.Value)), values),
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
            foreach ((ProjectionPart whole, Tensor output) in projections)
            {
                _projections.Forward(whole.Chunk(start, count), chunk, Part(output), onto: false);
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
        (ProjectionPart outputPart, ProjectionPart gatePart, ProjectionPart upPart, ProjectionPart downPart) =
            FeedForwardProjections();
        foreach ((int start, int count) in _context.Chunks())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor Part(Tensor whole) => whole.narrow(0, start, count);
            Tensor chunk = Part(middle).copy_(Part(_input));
            _projections.Forward(outputPart.Chunk(start, count), Part(attended), chunk, onto: true);
            RmsNormKernel.Forward(
                chunk,
                _layer.FeedForwardNorm.Weight,
                _layer.FeedForwardNorm.Epsilon,
                Part(normed),
                Part(scales)
            );
            _projections.Forward(gatePart.Chunk(start, count), Part(normed), Part(gate), onto: false);
            _projections.Forward(upPart.Chunk(start, count), Part(normed), Part(up), onto: false);
            SwiGluKernel.Forward(Part(gate), Part(up), Part(gated));
            _projections.Forward(downPart.Chunk(start, count), Part(gated), Part(output).copy_(chunk), onto: true);
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

    /// <summary>The four linear layers of this half, at all tokens.</summary>
    private (
        ProjectionPart Output,
        ProjectionPart Gate,
        ProjectionPart Up,
        ProjectionPart Down
    ) FeedForwardProjections()
    {
        (Tensor output, Tensor gate, Tensor up, Tensor down) = (
            _layer.Output.Weight.Values(),
            _layer.Gate.Weight.Values(),
            _layer.Up.Weight.Values(),
            _layer.Down.Weight.Values()
        );
        return (
            new ProjectionPart(_layer.Output, output, XABuffer(_layer.Output)),
            new ProjectionPart(_layer.Gate, gate, XABuffer(_layer.Gate)),
            new ProjectionPart(_layer.Up, up, XABuffer(_layer.Up)),
            new ProjectionPart(_layer.Down, down, XABuffer(_layer.Down))
        );
    }

    private void BackThroughFeedForward(Tensor gradient, Tensor attendedGradient)
    {
        (Tensor attended, Tensor middle, Tensor normed, Tensor scales, Tensor gate, Tensor up, Tensor gated) =
            FeedForwardBuffers();
        (ProjectionPart outputPart, ProjectionPart gatePart, ProjectionPart upPart, ProjectionPart downPart) =
            FeedForwardProjections();
        foreach ((int start, int count) in _context.Chunks())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor Part(Tensor whole) => whole.narrow(0, start, count);
            Tensor dOutput = Part(gradient);
            Tensor inner = _context.Workspace.GetBuffer("inner.gradient", -1, count, _context.Inner);
            _projections.Backward(downPart.Chunk(start, count), Part(gated), dOutput, inner, overwrite: true);
            SwiGluKernel.Backward(Part(gate), Part(up), inner);
            Tensor sum = _context.Workspace.GetBuffer("normed.gradient", -1, count, _context.Hidden);
            _projections.Backward(gatePart.Chunk(start, count), Part(normed), Part(gate), sum, overwrite: true);
            _projections.Backward(upPart.Chunk(start, count), Part(normed), Part(up), sum, overwrite: false);
            RmsNormKernel.Backward(Part(middle), _layer.FeedForwardNorm.Weight, Part(scales), sum, dOutput);
            _projections.Backward(
                outputPart.Chunk(start, count),
                Part(attended),
                dOutput,
                Part(attendedGradient),
                overwrite: true
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
            Tensor? sum = inputWanted
                ? _context.Workspace.GetBuffer("normed.gradient", -1, count, _context.Hidden)
                : null;
            for (int i = 0; i < projections.Length; i++)
            {
                _projections.Backward(
                    new ProjectionPart(projections[i], weights[i], xA[i]).Chunk(start, count),
                    Part(normed),
                    Part(projected[i]),
                    sum,
                    overwrite: i == 0
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
        _context.Workspace.GetBuffer(name, place ?? _place, _context.Rows.Count, columns);

    private Tensor? XABuffer(Projection projection) =>
        projection.Lora is { } lora ? Buffer(projection.Path, lora.A.shape[0]) : null;
}
