using static TorchSharp.torch;

namespace Pipeline.Export.Gguf;

/// <summary>A tensor of a GGUF file.</summary>
/// <param name="Name">Its name there, such as <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Numbers">The numbers in the file.</param>
/// <param name="Shape">Its shape as torch has it; the file has it reversed.</param>
/// <param name="Make">Makes it; what it returns is disposed of by the writer.</param>
public sealed record GgufTensor(string Name, GgufNumbers Numbers, IReadOnlyList<long> Shape, Func<Tensor> Make)
{
    /// <summary>Bytes in the file, without what aligns the next one.</summary>
    public long Bytes => Shape.Aggregate(1L, (a, b) => a * b) * (Numbers == GgufNumbers.F32 ? 4 : 2);
}

/// <summary>Numbers that are written. Values: ggml, <c>include/ggml.h</c> (ggml_type).</summary>
public enum GgufNumbers
{
    /// <summary>float32.</summary>
    F32 = 0,

    /// <summary>float16.</summary>
    F16 = 1,

    /// <summary>bfloat16.</summary>
    BF16 = 30,
}
