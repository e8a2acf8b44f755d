namespace Pipeline.Model.Checkpoints;

/// <summary>One tensor of a safetensors file.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Dtype">The format's name: F32, F16, BF16, U8, I64, …</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Offset">Byte offset in the file.</param>
/// <param name="Length">Bytes.</param>
public sealed record SafetensorsEntry(string Name, string Dtype, IReadOnlyList<long> Shape, long Offset, long Length);
