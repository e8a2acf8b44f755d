using static TorchSharp.torch;

namespace Pipeline.Model.Gpu;

/// <summary>By how much rows are rotated.</summary>
/// <param name="Positions">int32 [rows]: each row's place in the tables.</param>
/// <param name="Cosines">float32 [positions, head size / 2].</param>
/// <param name="Sines">The same shape.</param>
internal readonly record struct RotaryAngles(Tensor Positions, Tensor Cosines, Tensor Sines);
