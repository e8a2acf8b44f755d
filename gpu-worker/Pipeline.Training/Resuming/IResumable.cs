using static TorchSharp.torch;

namespace Pipeline.Training.Resuming;

/// <summary>What changes from step to step beside the values themselves.</summary>
public interface IResumable
{
    /// <summary>Optimizer steps done.</summary>
    int Steps { get; set; }

    /// <summary>
    /// What must be kept to go on from here, under the names that it has in a checkpoint; the step count apart.
    /// </summary>
    IReadOnlyList<(string Name, Tensor Value)> State { get; }
}
