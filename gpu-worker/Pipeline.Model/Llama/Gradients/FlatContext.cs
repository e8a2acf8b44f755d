using Pipeline.Model.Checkpoints;
using static TorchSharp.torch;

namespace Pipeline.Model.Llama.Gradients;

/// <summary>What every layer of one pass over packed rows shares.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Config">The model's shape.</param>
/// <param name="Workspace">Buffers.</param>
/// <param name="Cos">[longest, head size / 2].</param>
/// <param name="Sin">The same shape.</param>
/// <param name="WindowMask">bool [1, 1, longest, longest] of layers with a sliding window; <c>null</c>: causal.</param>
/// <param name="DropoutSeed">Seed of what adapters drop; <c>null</c>: nothing.</param>
internal sealed record FlatContext(
    PackedRows Rows,
    LlamaConfig Config,
    TensorWorkspace Workspace,
    float[] Cos,
    float[] Sin,
    Tensor? WindowMask,
    uint? DropoutSeed
)
{
    // numbers: matrices above this do not stay in the cache from one chunk to the next
    private const long CachedWeight = 1 << 19;
    private const long LargestSpanBytes = 1L << 30; // a span counts its bytes in int
    private const int TokensAChunk = 1024;

    public int HeadSize => Config.HeadSize;
    public long Hidden => Config.HiddenSize;
    public long Inner => Config.IntermediateSize;
    public long QueryWidth => (long)Config.Heads * Config.HeadSize;
    public long KeyWidth => (long)Config.KeyValueHeads * Config.HeadSize;

    /// <summary>A layer's mask; <c>null</c>: causal.</summary>
    public Tensor? MaskOf(int layer) => Config.WindowOf(layer) is null ? null : WindowMask;

    /// <summary>
    /// Tokens that are done together: some hundred for a small model, all for one whose matrices would be read anew for
    /// each chunk.
    /// </summary>
    public IEnumerable<(int Start, int Count)> Chunks()
    {
        int most = (int)(LargestSpanBytes / (4 * Math.Max(Inner, Math.Max(Hidden, QueryWidth))));
        int size = Math.Min(most, Hidden * Inner <= CachedWeight ? TokensAChunk : Rows.Count);
        for (int start = 0; start < Rows.Count; start += size)
        {
            yield return (start, Math.Min(size, Rows.Count - start));
        }
    }
}
