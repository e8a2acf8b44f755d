using Pipeline.Model.Gpu;
using Pipeline.Model.Llama;
using Pipeline.Model.Weights;
using Pipeline.Worker.Jobs;

namespace Pipeline.Worker.Parity;

/// <summary>A checkpoint in every way in which this build computes it.</summary>
internal static class ParityModels
{
    private const string PlainTorch = "by plain torch";

    /// <summary>Checks a checkpoint at inference.</summary>
    /// <param name="directory">The checkpoint.</param>
    /// <param name="name">The case's.</param>
    /// <param name="gpu">The GPU; <c>null</c>: the CPU.</param>
    /// <param name="check">Given the model and the case's name.</param>
    public static IReadOnlyList<ParityResult> Each(
        string directory,
        string name,
        Accelerator? gpu,
        Func<ICausalModel, string, IReadOnlyList<ParityResult>> check
    ) => Each(directory, WeightStorage.Full, name, gpu, (placed, way) => check(placed.ForInference(null), way));

    /// <summary>Checks a checkpoint as it is placed.</summary>
    /// <param name="directory">The checkpoint.</param>
    /// <param name="storage">How it is held.</param>
    /// <param name="name">The case's.</param>
    /// <param name="gpu">The GPU; <c>null</c>: the CPU.</param>
    /// <param name="check">Given the base and the case's name.</param>
    public static IReadOnlyList<ParityResult> Each(
        string directory,
        WeightStorage storage,
        string name,
        Accelerator? gpu,
        Func<PlacedModel, string, IReadOnlyList<ParityResult>> check
    )
    {
        List<ParityResult> results = [];
        foreach (string? plain in gpu is null ? (string?[])[null] : [PlainTorch, null])
        {
            using PlacedModel placed = PlacedModel.Load(directory, storage, gpu, plain);
            if (gpu is null || plain is not null || placed.WhyPlain is null)
            {
                results.AddRange(check(placed, gpu is null ? name : $"{name}, {plain ?? "by the kernels"}"));
            }
        }

        return results;
    }
}
