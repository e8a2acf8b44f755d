namespace Pipeline.Model.Lora;

/// <summary>Some of the elements of a mask of <see cref="CounterDropout"/>.</summary>
/// <param name="Probability">p, 0 to below 1.</param>
/// <param name="Seed">The mask's.</param>
/// <param name="First">Which element of the mask is the first here.</param>
internal readonly record struct MaskPart(double Probability, uint Seed, long First);
