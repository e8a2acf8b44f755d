namespace Pipeline.Model.Adapters;

/// <summary>A LoRA adapter's shape. Source: Hu et al. 2021, section 4.1; names as in peft <c>LoraConfig</c>.</summary>
/// <param name="Rank">r, from 1.</param>
/// <param name="Alpha">lora_alpha; the update is scaled by alpha / r.</param>
/// <param name="Dropout">Probability with which an input element of the adapter is dropped in training.</param>
public sealed record LoraOptions(int Rank, double Alpha, double Dropout)
{
    /// <summary>Factor of the low-rank update.</summary>
    public double Scale => Alpha / Rank;
}
