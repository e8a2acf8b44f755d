using static TorchSharp.torch;

namespace Pipeline.Model.Checkpoints;

/// <summary>A tensor that will be written.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Dtype">The dtype in the file.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Make">Makes it; what it returns belongs to the writer's dispose scope.</param>
public sealed record CheckpointTensor(string Name, ScalarType Dtype, IReadOnlyList<long> Shape, Func<Tensor> Make)
{
    /// <summary>Bytes in the file.</summary>
    public long Bytes => Shape.Aggregate(1L, (a, b) => a * b) * SafetensorsDtype.SizeOf(Dtype);
}
