using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>A linear layer at some of a batch's tokens.</summary>
/// <param name="Projection">The layer.</param>
/// <param name="Weight">float32 [out, in]: its weight's values.</param>
/// <param name="XA">float32 [tokens, r]: <c>m∘x Aᵀ</c>, written forward and read backward; <c>null</c> where the layer
/// is not adapted.</param>
/// <param name="FirstToken">Which token of the batch is the first here: masks go by the place in the batch.</param>
internal readonly record struct ProjectionPart(Projection Projection, Tensor Weight, Tensor? XA, long FirstToken = 0)
{
    /// <summary>The same at some of these tokens.</summary>
    public ProjectionPart Chunk(int start, int count) =>
        this with
        {
            XA = XA?.narrow(0, start, count),
            FirstToken = FirstToken + start,
        };
}
