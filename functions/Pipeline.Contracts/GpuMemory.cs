namespace Pipeline.Contracts;

/// <summary>What of a forward pass on a GPU is saved for the backward pass; more is faster.</summary>
public enum GpuMemory
{
    /// <summary>
    /// The input of each layer, in the host's memory; the layer is computed again. Embeddings stay there too, unless
    /// they are the head as well.
    /// </summary>
    Offload,

    /// <summary>The input of each layer; the layer is computed again.</summary>
    Lean,

    /// <summary>What products and attention gave; norms, gates and masks are computed again.</summary>
    Balanced,

    /// <summary>What the norms gave besides; gates come back with their derivative, masks are computed again.</summary>
    Fast,
}
