namespace Pipeline.Model.Gpu;

/// <summary>Which of a tensor's numbers are dropped, as <see cref="Adapters.CounterDropout"/> does.</summary>
/// <param name="Probability">0 to below 1.</param>
/// <param name="Seed">The mask's.</param>
internal readonly record struct DropMask(double Probability, uint Seed)
{
    /// <summary>A number goes through when its hash is at least this.</summary>
    public uint Threshold => (uint)(Probability * 4294967296.0);

    /// <summary>What goes through is multiplied by this.</summary>
    public float Kept => (float)(1 / (1 - Probability));
}
