namespace Pipeline.Model.Checkpoints;

/// <summary>
/// Llama 3's stretching of RoPE: frequencies whose wavelength is long against the original context are divided by
/// <paramref name="Factor"/>, short ones stay, those between are mixed. Source: transformers
/// <c>modeling_rope_utils.py</c> (_compute_llama3_parameters).
/// </summary>
/// <param name="Factor">Above or equal to 1.</param>
/// <param name="LowFrequencyFactor">Wavelengths above original context / this are divided.</param>
/// <param name="HighFrequencyFactor">Wavelengths below original context / this stay.</param>
/// <param name="OriginalPositions">The context the base was first trained with, in tokens.</param>
public sealed record RopeScaling(
    double Factor,
    double LowFrequencyFactor,
    double HighFrequencyFactor,
    int OriginalPositions
);
