using Pipeline.Contracts;
using Pipeline.Model.Gpu;

namespace Pipeline.Worker.Jobs;

/// <summary>What one adapter is made of and where it goes.</summary>
public sealed record TrainAdapterInput
{
    /// <summary>The base model's folder.</summary>
    public required string BaseDirectory { get; init; }
    public required string DatasetDirectory { get; init; }

    /// <summary>The folder that will hold the adapter; it is there whole or not at all.</summary>
    public required string OutputDirectory { get; init; }

    /// <summary>Folder of checkpoints; a run goes on from what lies there.</summary>
    public string? CheckpointDirectory { get; init; }

    /// <summary>The champion that the new adapter is to be compared with; <c>null</c>: there is none.</summary>
    public ChampionInput? Champion { get; init; }

    /// <summary>The GPU that computes; <c>null</c>: the CPU does.</summary>
    public Accelerator? Gpu { get; init; }

    /// <summary>The adapter's name for people, such as <c>tweets v3</c>.</summary>
    public required string Title { get; init; }
    public required TrainingSettings Training { get; init; }
    public required EvaluationSettings Evaluation { get; init; }
}

/// <summary>The champion's files.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Directory">A folder with its adapter, <c>evaluation.json</c> and <c>training.json</c>.</param>
public sealed record ChampionInput(int Version, string Directory);
