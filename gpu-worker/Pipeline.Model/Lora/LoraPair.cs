using Pipeline.Model.Adapters;
using static TorchSharp.torch;

namespace Pipeline.Model.Lora;

/// <summary>
/// The trainable matrices of one linear layer. Owned by <see cref="LoraAdapter"/>, as views into its one buffer.
/// </summary>
/// <param name="A">float32 [r, in].</param>
/// <param name="B">float32 [out, r].</param>
/// <param name="Magnitude">DoRA's magnitude of each output, float32 [out]; <c>null</c> without DoRA.</param>
/// <param name="Scale">alpha / r, or alpha / sqrt(r) with rsLoRA.</param>
/// <param name="Dropout">Probability, 0 to below 1.</param>
/// <param name="Index">Number of the linear layers that read the same input, among the model's: they drop the same of
/// it (<see cref="LoraGroups"/>).</param>
public sealed record LoraPair(Tensor A, Tensor B, Tensor? Magnitude, double Scale, double Dropout, int Index);
