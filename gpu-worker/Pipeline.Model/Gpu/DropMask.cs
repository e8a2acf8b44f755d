using Pipeline.Model.Lora;

namespace Pipeline.Model.Gpu;

/// <summary>Which of a tensor's numbers are dropped, as <see cref="CounterDropout"/> does.</summary>
/// <param name="Probability">0 to below 1.</param>
/// <param name="Seed">The mask's.</param>
internal readonly record struct DropMask(double Probability, uint Seed)
{
    /// <summary>A number goes through when its hash is at least this.</summary>
    public uint Threshold => CounterDropout.Rule(Probability).Threshold;

    /// <summary>What goes through is multiplied by this.</summary>
    public float Kept => CounterDropout.Rule(Probability).Kept;
}
